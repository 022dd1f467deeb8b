using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Adds to a mail what it needs beyond its body: its fetched files, and links that replace files above the size limit. While anything is
/// missing, the mail is set aside.
/// </summary>
/// <param name="links">Null: large files are sent as they are.</param>
internal sealed class Attachments(AttachmentFetcher fetcher, CurrentAccounts accounts, LargeFileLinks? links, LinkUploader? uploads)
{
    /// <summary>A retried mail whose JSON has at most so many bytes and no sources has no link from an earlier attempt.</summary>
    private const int Small = 16 * 1024;

    /// <summary>A body of at least so many bytes may be held by only a few uploads at a time.</summary>
    private const int Heavy = 1024 * 1024;

    /// <summary>How long a mail is deferred when too many mails are set aside.</summary>
    private static readonly TimeSpan Crowded = TimeSpan.FromSeconds(30);

    /// <summary>Whether <see cref="EquipAsync"/> is needed. Cheap, and false for nearly all mail.</summary>
    public bool NeedsWork(ResolvedMail mail) => mail.Content.Sources > 0 || MayLink(mail.Due.Ticket, mail.Content, Rule(mail.Account));

    /// <summary>Whether texts that lie in a file may come into memory, because links are added to them.</summary>
    public bool MayBring(QueuedMail ticket, SmtpAccount account, MailContent content) =>
        content.Spooled is not null && MayLink(ticket, content, Rule(account));

    /// <summary>
    /// The mail with all it needs, or the outcome of an attempt that cannot have it. With an outcome, the mail's permit and its memory
    /// charge
    /// have been given back before anything is fetched or uploaded.
    /// </summary>
    public async ValueTask<(ResolvedMail? Mail, Outcome? Refused)> EquipAsync(ResolvedMail mail, CancellationToken abort)
    {
        var (ticket, content) = (mail.Due.Ticket, mail.Content);
        var equipped = mail;
        try
        {
            var draft =
                JsonSerializer.Deserialize(content.Json.Span, MailJson.Default.MailDraft)
                ?? throw new JsonException("The stored message is null.");
            var wanted = Fetched(draft);
            if (fetcher.TryTake(ticket, content.Key.Tenant, content.CreatedAt, wanted) is not { } files)
            {
                mail.Charge.Dispose();
                mail.Due.Permit.Dispose();
                return (
                    null,
                    fetcher.TryFetch(ticket, content.Key.Tenant, content.CreatedAt, wanted, content.Trace)
                        ? new Outcome.NotYet(ticket)
                        : new Outcome.Postponed(ticket, content.Bodiless(), fetcher.WhyNot(content.Key.Tenant)) { RetryAfter = Crowded }
                );
            }

            if (files.Length > 0)
                equipped = mail with
                {
                    Files = ByIndex(files, wanted, draft.Attachments!.Count),
                    Charge = new DisposableGroup([.. files, mail.Charge]),
                };
            return MayLink(ticket, content, Rule(mail.Account))
                ? await LinkAsync(equipped, mail.Charge, files, draft, abort)
                : (equipped, null);
        }
        catch (SourceException error)
        {
            equipped.Charge.Dispose();
            var trouble = FetchTrouble.Of(error);
            return (
                null,
                trouble.Status is { } status
                    ? new Outcome.Unsendable(ticket, content.Bodiless(), status, trouble.Message)
                    : new Outcome.Postponed(ticket, content.Bodiless(), trouble.Message)
                    {
                        BySource = true,
                        RetryAfter = trouble.RetryAfter,
                    }
            );
        }
        catch
        {
            equipped.Charge.Dispose();
            throw;
        }
    }

    private async ValueTask<(ResolvedMail? Mail, Outcome? Refused)> LinkAsync(
        ResolvedMail mail,
        IDisposable memory,
        LocalContent[] files,
        MailDraft draft,
        CancellationToken abort
    )
    {
        var (ticket, tenant, rule) = (mail.Due.Ticket, mail.Content.Key.Tenant, Rule(mail.Account));
        var large = LargeFile.Of(draft, mail.Files, mail.Content.Spooled);
        if (await links!.ApplyAsync(ticket, tenant, rule, large, mayUpload: false, abort) is { } linked)
            return (mail with { Links = linked.Links }, null);

        // An upload may take long, and keeps no part of the memory budget, for which other mails wait; so only a few uploads may hold a
        // large body.
        mail.Due.Permit.Dispose();
        var heavy = mail.Content.Json.Length >= Heavy;
        if (uploads!.TryUpload(ticket, tenant, rule!, large, new DisposableGroup([.. files]), heavy, mail.Content.CreatedAt))
        {
            memory.Dispose();
            return (null, new Outcome.NotYet(ticket));
        }

        mail.Charge.Dispose();
        return (null, new Outcome.Postponed(ticket, mail.Content.Bodiless(), uploads.WhyNot(tenant)) { RetryAfter = Crowded });
    }

    // A stored source from which no request can be made, although it was accepted at submission.
    private static IReadOnlyList<AttachmentRef> Fetched(MailDraft draft)
    {
        try
        {
            return AttachmentNotation.Fetched(draft);
        }
        catch (FormatException error)
        {
            throw new SourceException(SourceFault.Refused, error.Message, error) { Status = "5.6.0" };
        }
    }

    private LargeFiles? Rule(SmtpAccount account) => links is null ? null : accounts.Directory.LargeFilesOf(account);

    // Inline content cannot be larger than the draft that contains it. Without a rule, an earlier attempt may still have made links.
    private bool MayLink(QueuedMail ticket, MailContent content, LargeFiles? rule) =>
        links is not null
        && (
            rule is null
                ? ticket.Attempt > 0 && (content.Sources > 0 || content.Size > Small)
                : content.Sources > 0 || content.Size > rule.Threshold
        );

    private static LocalContent?[] ByIndex(LocalContent[] files, IReadOnlyList<AttachmentRef> wanted, int attachments)
    {
        var byIndex = new LocalContent?[attachments];
        for (var i = 0; i < files.Length; i++)
            byIndex[wanted[i].Index] = files[i];
        return byIndex;
    }

    private sealed class DisposableGroup(IDisposable[] things) : IDisposable
    {
        public void Dispose()
        {
            foreach (var thing in things)
                thing.Dispose();
        }
    }
}
