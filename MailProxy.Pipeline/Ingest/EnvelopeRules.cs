using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <param name="Sender">The bare reverse-path; "" is the null reverse-path.</param>
/// <param name="FromDomain">The domain of the Message-ID that we generate.</param>
internal readonly record struct Envelope(string Sender, string FromDomain, IReadOnlyList<string> Recipients);

/// <summary>Validates the sender and the recipients.</summary>
internal static class EnvelopeRules
{
    private const string NotAllowed = "The account may not send from this address: its from_allowed has neither it nor its @domain.";

    public static Envelope Read(MailDraft mail, RawHead raw, SmtpAccount? account, Mistakes mistakes, IngestOptions options)
    {
        var allowed = AllowedSenders.Of(account);
        var from = From(mail, raw, allowed, mistakes);
        var sender = mail.ReturnPath is null ? from?.Address : ReturnPath(mail.ReturnPath, allowed, mistakes);
        var recipients = Recipients(mail, mistakes, options);
        Each(mail.ReplyTo, "/reply_to", mistakes, static (_, _) => { });
        if (mail.ReplyTo?.Entries.Count > options.MaxRecipients)
            mistakes.Add("/reply_to", "too_many_addresses", $"At most {options.MaxRecipients} addresses.");
        return new(sender ?? "", from?.Domain ?? "", recipients);
    }

    // A raw message has its own From header, so the field may be missing; when both are present, the field is used for the envelope.
    private static Mailbox? From(MailDraft mail, RawHead raw, AllowedSenders? allowed, Mistakes mistakes)
    {
        Mailbox? from = null;
        if (mail.From is null or { Entries.Count: 0 })
        {
            from = raw.Responsible;
            if (from is null && raw.Readable)
                mistakes.Add(
                    "/from",
                    "required",
                    mail.Raw is null ? "A sender is required." : "The raw message has several From addresses and no Sender: name one here."
                );
        }
        else
        {
            Each(mail.From, "/from", mistakes, (_, mailbox) => from = mailbox);
            if (mail.From.Entries.Count > 1)
                mistakes.Add("/from", "too_many_addresses", "Exactly one sender.");
            else if (from is { } one && allowed?.Contains(one) == false)
                mistakes.Add(Pointer(mail.From, "/from", 0), "from_not_allowed", NotAllowed);
        }

        if (allowed is not null && raw.Readable)
            RawSenders(raw, allowed, mistakes);
        return from;
    }

    // Reports one mistake per header, however many mailboxes it has.
    private static void RawSenders(RawHead raw, AllowedSenders allowed, Mistakes mistakes)
    {
        if (raw.From.Any(written => !allowed.Contains(written)))
        {
            mistakes.Add("/raw", "from_not_allowed", "The account may not send from the address in the message's From header.");
        }

        if (raw.HasSender && (raw.Sender is not { } sender || !allowed.Contains(sender)))
        {
            mistakes.Add("/raw", "from_not_allowed", "The account may not send from the address in the message's Sender header.");
        }
    }

    private static string? ReturnPath(string path, AllowedSenders? allowed, Mistakes mistakes)
    {
        if (path is "" or "<>")
            return "";
        if (Addresses.ReadBare(path, out var mailbox) is { } fault)
        {
            mistakes.Add("/return_path", fault.Code, fault.Detail);
            return null;
        }

        if (allowed?.Contains(mailbox) == false)
        {
            mistakes.Add("/return_path", "from_not_allowed", NotAllowed);
        }

        return mailbox.Address;
    }

    private static List<string> Recipients(MailDraft mail, Mistakes mistakes, IngestOptions options)
    {
        var entries = (mail.To?.Entries.Count ?? 0) + (mail.Cc?.Entries.Count ?? 0) + (mail.Bcc?.Entries.Count ?? 0);
        if (entries == 0)
            mistakes.Add("/to", "recipient_required", "At least one recipient in to, cc or bcc.");

        var once = new HashSet<Mailbox>(Math.Min(entries, options.MaxRecipients + 1), Mailbox.ByIdentity);
        var recipients = new List<string>(Math.Min(entries, options.MaxRecipients + 1));
        Add(mail.To, "/to");
        Add(mail.Cc, "/cc");
        Add(mail.Bcc, "/bcc");
        return recipients;

        void Add(AddressList? list, string pointer)
        {
            var before = once.Count;
            Each(
                list,
                pointer,
                mistakes,
                (_, mailbox) =>
                {
                    if (once.Add(mailbox with { Name = null }) && once.Count <= options.MaxRecipients)
                        recipients.Add(mailbox.Address);
                }
            );
            if (before <= options.MaxRecipients && once.Count > options.MaxRecipients)
                mistakes.Add(pointer, "too_many_recipients", $"At most {options.MaxRecipients} recipients a message.");
        }
    }

    private static void Each(AddressList? list, string pointer, Mistakes mistakes, Action<int, Mailbox> take)
    {
        for (var i = 0; i < list?.Entries.Count; i++)
        {
            if (Addresses.Read(list.Entries[i], out var mailbox) is { } fault)
                mistakes.Add(Pointer(list, pointer, i) + fault.At, fault.Code, fault.Detail);
            else
                take(i, mailbox);
        }
    }

    private static string Pointer(AddressList list, string pointer, int index) => list.Single ? pointer : $"{pointer}/{index}";
}
