using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MimeKit;
using MimeKit.Utils;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// Renders a stored mail. Pure: the same content gives the same octets in every attempt, boundaries included. Everything but <c>raw</c>
/// comes out 7-bit safe; Bcc never comes out.
/// </summary>
/// <param name="unsubscribe">Makes the links to unsubscribe; null: there are none.</param>
public sealed class MimeComposer(SendOptions options, UnsubscribeLinks? unsubscribe = null)
{
    private static readonly FormatOptions Plain = Format(international: false),
        International = Format(international: true);

    /// <summary>Renders for the wire; the caller disposes the result.</summary>
    /// <param name="files">What was fetched, by the attachment's index; without it such an attachment only names its source.</param>
    /// <param name="links">What stands at the foot instead of attachments.</param>
    /// <param name="dkim">Sign (RFC 6376) those that are for the domain of From.</param>
    /// <exception cref="UnsendableException">What is stored cannot be rendered.</exception>
    /// <exception cref="DkimKeyException">A key cannot sign.</exception>
    public RenderedMail Compose(MailContent content, IReadOnlyList<LocalContent?> files, IReadOnlyList<FileLink> links, SigningKeys? dkim)
    {
        var bytes = new PooledBytes(content.Json.Length + (content.Json.Length / 8) + 1024);
        try
        {
            var draft =
                JsonSerializer.Deserialize(content.Json.Span, MailJson.Default.MailDraft)
                ?? throw new JsonException("The stored message is empty.");
            var needsSmtpUtf8 = false;
            var eightBit = false;
            if (draft.Raw is { } raw)
            {
                var key = options.MailKeyInRaw ? KeyHeader(content) : null;
                var inFile = content.Spooled?.Find(raw);
                if (inFile is { } place)
                    RawMessage.Write(bytes, content.Spooled!, place, options.MailKeyHeader, key, content);
                else
                    RawMessage.Write(bytes, Convert.FromBase64String(raw), options.MailKeyHeader, key, content);
                var head = bytes.Written.IndexOf("\r\n\r\n"u8);

                // A header in some other charset, as former versions took it, is no UTF-8 and goes as it always did.
                needsSmtpUtf8 = !Ascii.IsValid(bytes.Written[..head]) && Utf8.IsValid(bytes.Written[..head]);
                eightBit = !Ascii.IsValid(bytes.Written[(needsSmtpUtf8 ? head : 0)..]) || inFile is { Form: SpooledForm.Raw8Bit };
            }
            else
            {
                needsSmtpUtf8 = Write(bytes, draft, files, links, content);
            }

            var rendered = RenderedMail.Of(bytes, eightBit, needsSmtpUtf8);
            return dkim is null ? rendered : DkimSigning.Sign(rendered, dkim, content.CreatedAt);
        }
        catch (Exception error) when (error is JsonException or FormatException)
        {
            throw new UnsendableException("5.6.0", $"The message cannot be rendered: {error.Message}", error);
        }
        finally
        {
            bytes.Dispose();
        }
    }

    private bool Write(
        PooledBytes bytes,
        MailDraft draft,
        IReadOnlyList<LocalContent?> files,
        IReadOnlyList<FileLink> links,
        MailContent content
    )
    {
        var from = Addresses.ReadAll(draft.From);
        var (to, cc, replyTo) = (Addresses.ReadAll(draft.To), Addresses.ReadAll(draft.Cc), Addresses.ReadAll(draft.ReplyTo));
        var international = Any(from) || Any(to) || Any(cc) || Any(replyTo);
        var format = international ? International : Plain;

        var headers = new HeaderLines(bytes, international);
        if (KeyHeader(content) is { } key)
            headers.Exact(key.Name, key.Value);
        headers.Mailboxes("From", from);
        if (from.Count > 1)
            headers.Mailboxes("Sender", [from[0]]);
        if (to.Count > 0)
            headers.Mailboxes("To", to);
        else if (cc.Count == 0)
            headers.Exact("To", "undisclosed-recipients:;");
        if (cc.Count > 0)
            headers.Mailboxes("Cc", cc);
        if (replyTo.Count > 0)
            headers.Mailboxes("Reply-To", replyTo);
        headers.Text("Subject", draft.Subject ?? "");
        headers.Exact("Date", Date(content));
        headers.Exact("Message-ID", content.MessageIdHeader);
        foreach (var (name, value) in draft.Headers ?? [])
        {
            if (!name.Equals("Message-ID", StringComparison.OrdinalIgnoreCase))
                headers.Client(name, value);
        }

        if (draft.Unsubscribe is { } asked)
            UnsubscribeHeaders.Write(headers, asked, content, unsubscribe);
        headers.Exact("MIME-Version", "1.0");
        if (content.Spooled?.Find(draft.Text) is null && PlainText.TryWrite(bytes, draft))
            return international;
        MimeBody.Of(draft, files, links, content).WriteTo(format, bytes);
        if (!bytes.EndsLine)
            bytes.Write("\r\n"u8);
        return international;
    }

    /// <summary>The Date header's value, always in UTC.</summary>
    internal static string Date(MailContent content) => DateUtils.FormatDate(DateTimeOffset.FromUnixTimeMilliseconds(content.CreatedAt));

    private (string Name, string Value)? KeyHeader(MailContent content) =>
        options.MailKeyHeader.Length == 0 ? null : (options.MailKeyHeader, $"{content.Key.Tenant}/{content.Key.Id}");

    private static bool Any(IReadOnlyList<Mailbox> mailboxes) => mailboxes.Any(static m => m.NeedsSmtpUtf8);

    private static FormatOptions Format(bool international)
    {
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        format.EnsureNewLine = true;
        format.International = international;
        return format;
    }
}
