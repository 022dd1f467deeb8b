using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <summary>
/// Validates drafts against sections 1 and 2 of the HTTP contract. Pure, except that it reads the current accounts and sources, and a
/// draft's own file. All
/// mistakes
/// of a message are reported at once.
/// </summary>
/// <param name="mailKeyHeader">The header that Send adds for bounces, which clients may not set; empty when there is none.</param>
/// <param name="links">Makes the links to unsubscribe that this daemon serves; null: there are none.</param>
public sealed class SubmissionRules(
    CurrentAccounts accounts,
    KnownSources known,
    IngestOptions options,
    string mailKeyHeader,
    UnsubscribeLinks? links = null
)
{
    private readonly UnsubscribeRules _unsubscribe = new(links);

    /// <param name="now">Unix milliseconds: the time of acceptance.</param>
    /// <param name="newId">Generates ids for messages without one, and for Message-ID headers.</param>
    /// <param name="told">How many mistakes are listed.</param>
    public AcceptedLine Judge(string tenant, Draft draft, long now, Func<Guid> newId, int told = Mistakes.Told)
    {
        if (draft.Problem is { } refused)
            return new(null, refused.Status == 422 ? WrittenId(draft.Json) : null, refused);

        var mail = draft.Mail!;
        var mistakes = new Mistakes(told);
        UnknownFields(mail, mistakes);
        if (mail.Id is not null && !IdSyntax.IsMessageId(mail.Id))
            mistakes.Add("/id", "invalid_id", $"An id is {IdSyntax.MessageRule}.");

        var directory = accounts.Directory;
        var route = RouteRules.Find(directory, tenant, mail, mistakes);
        var raw = RawRules.Read(mail, draft.Spooled, mistakes, options, mailKeyHeader);
        route = route.For(directory, mail, raw);
        var account = route.Account;
        var envelope = EnvelopeRules.Read(mail, raw, account, mistakes, options);
        var messageId = ContentRules.Check(tenant, mail, draft.Spooled, known, mistakes, options, mailKeyHeader) ?? raw.MessageId;
        _unsubscribe.Check(mail, envelope.Recipients.Count, mistakes);
        if (account is not null)
            LargeFileRules.Check(mail.Attachments, draft.Spooled, directory.LargeFilesOf(account), mistakes);
        var times = TimeRules.Read(mail, now, account is null ? null : directory.ExpiryOf(account), mistakes, options);
        var labels = LabelRules.Read(mail, mistakes, options);
        if ((raw.InFile is { IsChanged: true } made ? made.Length : raw.Octets?.Length) > options.MaxRequestBytes / 4 * 3)
        {
            mistakes.Add("/raw", "too_large", $"With CRLF line ends it is larger than a request may be ({options.MaxRequestBytes} bytes).");
        }

        if (mistakes.Any)
            return new(null, IdSyntax.IsMessageId(mail.Id) ? mail.Id : null, mistakes.ToProblem("The message was refused."));

        var own = newId();
        var id = mail.Id ?? own.ToString();
        var json = raw.Octets is { } octets ? RawJson.With(draft.Json.Span, octets.Span) : draft.Json;
        if (draft.Spooled is { } spooled)
        {
            raw.InFile?.Settle();
            SpooledTexts.Settle(mail, spooled);
            json = SpooledJson.Of(json.Span, spooled);
        }
        // The writer, which compares what comes again, does not read files.
        var hashed = mail.Id is not null || draft.Spooled is not null;
        var asWritten = raw.Octets is not null || raw.InFile is { IsChanged: true };
        var accepted = new AcceptedMail
        {
            Key = new(tenant, id),
            ContentHash = hashed ? ContentHash.Of(mail, raw.Octets, draft.Spooled) : null,
            HashAsWritten = hashed && asWritten ? ContentHash.Of(mail, null, draft.Spooled, asWritten: true) : null,
            Account = route.Pool is null ? account!.Key : default,
            Pool = route.Pool?.Key,
            NotBy = route.NotBy,
            Only = route.Only,
            Priority = labels.Priority,
            EnvelopeSender = envelope.Sender,
            Recipients = envelope.Recipients,
            Subject = mail.Subject ?? raw.Subject,
            CreatedAt = now,
            SendAt = times.SendAt,
            ExpiresAt = times.ExpiresAt,
            MessageIdHeader = messageId ?? $"<{own}@{envelope.FromDomain}>",
            Batch = mail.Batch,
            Tags = labels.Tags,
            Metadata = labels.Metadata,
            OnAmbiguous = labels.OnAmbiguous,
            Body = new(json, null, json.Length),
            Sources = AttachmentNotation.CountFetched(mail),
            Volumes = AttachmentNotation.Volumes(mail),
        };
        return new(accepted, id, null);
    }

    private static void UnknownFields(MailDraft mail, Mistakes mistakes)
    {
        if (mail.Unknown is not null)
        {
            foreach (var name in mail.Unknown.Keys)
                mistakes.Add(JsonPointer.Member("", name), "unknown_field", "Unknown field.");
        }
    }

    private static string? WrittenId(ReadOnlyMemory<byte> json) =>
        DraftBinder.FindId(json) is { } id && IdSyntax.IsMessageId(id) ? id : null;
}
