using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace MailProxy.Pipeline.Mail;

/// <summary>
/// The hash by which a resubmitted id is recognised as the same content. It is stored, so what is hashed for an existing field may never
/// change; a new field is added only when it is present.
/// </summary>
public static class ContentHash
{
    /// <summary>
    /// SHA-256 of a stored draft without its id, independent of the order, spacing and escapes of its members; null when it is not a
    /// draft.
    /// </summary>
    public static byte[]? Of(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json.Span, MailJson.Default.MailDraft) is { } mail ? Of(mail) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>SHA-256 of a draft without its id.</summary>
    /// <param name="raw">The octets to hash instead of its <c>raw</c>; null: its <c>raw</c>.</param>
    /// <param name="spooled">Its long strings that are in a file.</param>
    /// <param name="asWritten">A <c>raw</c> in the file is hashed as it came, not in wire form.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    internal static byte[] Of(MailDraft mail, ReadOnlyMemory<byte>? raw = null, SpooledStrings? spooled = null, bool asWritten = false)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Text(sha, "account", mail.Account);
        Text(sha, "pool", mail.Pool);
        Mailboxes(sha, "from", mail.From);
        Mailboxes(sha, "to", mail.To);
        Mailboxes(sha, "cc", mail.Cc);
        Mailboxes(sha, "bcc", mail.Bcc);
        Mailboxes(sha, "reply_to", mail.ReplyTo);
        Text(sha, "return_path", mail.ReturnPath);
        Text(sha, "subject", mail.Subject);
        Long(sha, "text", mail.Text, spooled);
        Long(sha, "html", mail.Html, spooled);
        foreach (var (name, value) in mail.Headers ?? [])
            Pair(sha, "header", name, value);
        if (raw is { } octets)
            RawText(sha, "raw", octets.Span);
        else
            Long(sha, "raw", mail.Raw, spooled, asWritten);
        foreach (var attachment in mail.Attachments ?? [])
        {
            Text(sha, "attachment", attachment?.Filename ?? "");
            Text(sha, "content_type", attachment?.ContentType);
            Text(sha, "inline_id", attachment?.InlineId);
            Long(sha, "content", attachment?.Content, spooled, asWritten: true);
            Source(sha, attachment);
        }

        foreach (var other in mail.Alternatives ?? [])
        {
            Text(sha, "alternative", other?.ContentType ?? "");
            Text(sha, "alternative.content", other?.Content);
        }

        if (mail.Unsubscribe is { } unsubscribe)
        {
            Text(sha, "unsubscribe", "");
            Text(sha, "unsubscribe.url", unsubscribe.Url);
            Text(sha, "unsubscribe.mailto", unsubscribe.Mailto);
            Text(sha, "unsubscribe.one_click", unsubscribe.OneClick);
        }

        if (mail.Priority is not null)
            Text(sha, "priority", DraftValues.TryPriority(mail.Priority, out var priority) ? priority.Name() : null);
        Time(sha, "send_at", mail.SendAt);
        Time(sha, "expires_at", mail.ExpiresAt);
        Text(sha, "batch", mail.Batch);
        foreach (var tag in mail.Tags ?? [])
            Text(sha, "tag", tag);
        foreach (var (name, value) in (mail.Metadata ?? []).OrderBy(m => m.Key, StringComparer.Ordinal))
            Pair(sha, "metadata", name, Canonical(value));
        Text(sha, "on_ambiguous", mail.OnAmbiguous);
        return sha.GetHashAndReset();
    }

    private static void Source(IncrementalHash sha, AttachmentDraft? attachment)
    {
        Text(sha, "source", attachment?.Source);
        Text(sha, "sha256", attachment?.Sha256);
        Text(sha, "size", attachment?.Size?.ToString(CultureInfo.InvariantCulture));
        Text(sha, "storage_path", attachment?.StoragePath);
        Text(sha, "fetch_mode", attachment?.FetchMode);
        Text(sha, "content_md5", attachment?.ContentMd5);
        Text(sha, "cache_md5", attachment?.CacheMd5);
        if (attachment?.Auth is not { } auth)
            return;
        Text(sha, "auth.user", auth.User);
        Text(sha, "auth.password", auth.Password);
        Text(sha, "auth.bearer", auth.Bearer);
        Text(sha, "auth.header", auth.Header);
        Text(sha, "auth.value", auth.Value);
    }

    private static void Mailboxes(IncrementalHash sha, string field, AddressList? list)
    {
        foreach (var entry in list?.Entries ?? [])
        {
            Text(sha, field, entry.Text);
            Pair(sha, field, entry.Email, entry.Name);
        }
    }

    private static void Time(IncrementalHash sha, string field, JsonElement? written)
    {
        if (written is { } element && Timestamps.TryRead(element, out var time))
            Text(sha, field, Timestamps.Write(time));
    }

    private static void Pair(IncrementalHash sha, string field, string? name, string? value)
    {
        if (name is null && value is null)
            return;
        Text(sha, field, name ?? "");
        Text(sha, "=", value);
    }

    // Field and value are each preceded by their length, so that two different drafts never produce the same bytes.
    private static void Text(IncrementalHash sha, string field, string? value)
    {
        if (value is null)
            return;
        Framed(sha, field);
        Framed(sha, value);
    }

    // Hashes the same as the string would that the client wrote.
    private static void Long(IncrementalHash sha, string field, string? value, SpooledStrings? spooled, bool asWritten = false)
    {
        if (spooled?.Find(value) is not { } inFile)
            Text(sha, field, value);
        else if (inFile.IsBase64 && !asWritten && inFile.Stored is { } wire)
            SpooledHash.Base64(sha, field, spooled, wire.Offset, wire.Length, wire.Offset == inFile.Offset ? inFile.Last : null);
        else if (inFile.IsBase64)
            SpooledHash.Base64(sha, field, spooled, inFile.Offset, inFile.Length, inFile.Last);
        else
            SpooledHash.Text(sha, field, spooled, inFile);
    }

    // Hashes the same as the base64 text of the octets, without building that text.
    private static void RawText(IncrementalHash sha, string field, ReadOnlySpan<byte> octets)
    {
        const int block = 3 * 1024;
        Framed(sha, field, Base64.GetMaxEncodedToUtf8Length(octets.Length));
        Span<char> text = new char[block / 3 * 4];
        for (; !octets.IsEmpty; octets = octets[Math.Min(block, octets.Length)..])
        {
            Convert.TryToBase64Chars(octets[..Math.Min(block, octets.Length)], text, out var written);
            AppendText(sha, text[..written]);
        }
    }

    /// <summary>The field, and the frame of a value of so many characters.</summary>
    internal static void Framed(IncrementalHash sha, string field, int chars)
    {
        Framed(sha, field);
        Length(sha, chars);
    }

    private static void Framed(IncrementalHash sha, ReadOnlySpan<char> text)
    {
        Length(sha, text.Length);
        AppendText(sha, text);
    }

    private static void Length(IncrementalHash sha, int chars)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, chars);
        sha.AppendData(length);
    }

    internal static void AppendText(IncrementalHash sha, ReadOnlySpan<char> text)
    {
        if (BitConverter.IsLittleEndian)
            sha.AppendData(MemoryMarshal.AsBytes(text));
        else
            sha.AppendData(Encoding.Unicode.GetBytes(text.ToString()));
    }

    // Members of nested objects are sorted by name; numbers are taken as written.
    private static IEnumerable<string> Members(JsonElement value) =>
        value.EnumerateObject().OrderBy(m => m.Name, StringComparer.Ordinal).Select(m => $"{Quote(m.Name)}:{Canonical(m.Value)}");

    private static string Canonical(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Object => $"{{{string.Join(',', Members(value))}}}",
            JsonValueKind.Array => $"[{string.Join(',', value.EnumerateArray().Select(Canonical))}]",
            JsonValueKind.String => Quote(value.GetString()!),
            _ => value.GetRawText(),
        };

    private static string Quote(string text) => $"\"{JsonEncodedText.Encode(text)}\"";
}
