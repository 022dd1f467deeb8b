using System.Buffers;
using System.Security.Cryptography;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <summary>Validates attachments: their names, and the addresses of their content.</summary>
internal static class AttachmentRules
{
    private const int MaxName = 255;

    public static void Check(
        string tenant,
        List<AttachmentDraft>? attachments,
        SpooledStrings? spooled,
        KnownSources known,
        Mistakes mistakes
    )
    {
        HashSet<string>? inlineIds = null;
        for (var i = 0; i < attachments?.Count; i++)
        {
            var at = $"/attachments/{i}";
            if (attachments[i] is not { } attachment)
            {
                mistakes.Add(at, "invalid_type", "Must be a JSON object.");
                continue;
            }

            foreach (var name in attachment.Unknown?.Keys ?? Enumerable.Empty<string>())
                mistakes.Add(JsonPointer.Member(at, name), "unknown_field", "Unknown field.");
            if (string.IsNullOrEmpty(attachment.Filename))
                mistakes.Add(at + "/filename", "required", "An attachment needs a file name.");
            else if (FileName(attachment.Filename) is { } fault)
                mistakes.Add(at + "/filename", fault);

            if (attachment.ContentType is not null && ContentTypeRules.Fault(attachment.ContentType) is { } wrongType)
                mistakes.Add(at + "/content_type", wrongType);
            if (attachment.InlineId is not null)
            {
                if (InlineId(attachment.InlineId) is { } wrongId)
                    mistakes.Add(at + "/inline_id", wrongId);
                else if (!(inlineIds ??= new(StringComparer.Ordinal)).Add(attachment.InlineId))
                    mistakes.Add(at + "/inline_id", "duplicate_inline_id", "Another attachment has this inline_id.");
            }

            Content(tenant, attachment, spooled, i, at, known, mistakes);
        }
    }

    private static void Content(
        string tenant,
        AttachmentDraft attachment,
        SpooledStrings? spooled,
        int index,
        string at,
        KnownSources known,
        Mistakes mistakes
    )
    {
        var reading = AttachmentNotation.Read(attachment, index);
        foreach (var error in reading.Errors)
            mistakes.Add(at + error.Pointer, error.Code, error.Detail);
        if (reading.Inline is { } inline)
        {
            var pointer = at + (attachment.Content is null ? "/storage_path" : "/content");
            var inFile = spooled?.Find(attachment.Content);
            var bytes = 0;
            if (inFile is { IsValid: false } || (inFile is null && !Base64Text.IsValid(inline.Span, out bytes)))
                mistakes.Add(pointer, "invalid_base64", Base64Text.Rule);
            else if (reading.InlineMd5 is { } md5 && !IsHash(inline.Span, bytes, inFile is null ? null : (spooled!, inFile), md5))
                mistakes.Add(pointer, "hash_mismatch", "The content has another MD5 than was given with it.");
        }

        if (reading.Fetched is not { } fetched)
            return;
        if (known.Fault(tenant, fetched.Place) is { } unknown)
            mistakes.Add(at + (attachment.Source is null ? "/storage_path" : "/source"), unknown);
        if (fetched.Size is { } size && known.Fault(size) is { } large)
            mistakes.Add(at + "/size", large);
    }

    private static (string Code, string Detail)? FileName(string name)
    {
        if (Faults.InText(name, MaxName) is { } fault)
            return fault;
        return name.AsSpan().IndexOfAny(FileNames.Turning) >= 0
            ? ("invalid_filename", "Characters that turn the direction of the text make a name say what it is not.")
            : null;
    }

    private static bool IsHash(ReadOnlySpan<char> base64, int length, (SpooledStrings, SpooledString)? inFile, byte[] md5)
    {
        if (inFile is var (spooled, content))
            return SpooledTexts.Md5(spooled, content).AsSpan().SequenceEqual(md5);
        var bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            return Convert.TryFromBase64Chars(base64, bytes, out var written)
                && MD5.HashData(bytes.AsSpan(0, written)).AsSpan().SequenceEqual(md5);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    // An inline_id appears between angle brackets in a header, and after cid: in HTML.
    private static (string Code, string Detail)? InlineId(string id)
    {
        if (Faults.Injection(id) is { } injection)
            return injection;
        return id.Length is 0 or > MaxName || id.AsSpan().ContainsAnyExceptInRange('!', '~') || id.AsSpan().ContainsAny("<>()\\\"")
            ? ("invalid_inline_id", $"An inline_id is 1 to {MaxName} visible ASCII characters without brackets, quotes or backslashes.")
            : null;
    }
}
