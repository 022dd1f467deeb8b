using System.Buffers.Text;
using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>What a mail needs beyond its body: its fetched files, and links in the place of those that are too large. What is not at hand is got while the mail is set aside.</summary>
/// <param name="links">Null: large files go as they are.</param>
internal sealed class Attachments(FetchDesk desk, CurrentAccounts accounts, LargeFileLinks? links, LinkMaker? maker)
{
    /// <summary>A retried mail with less than this has no link of an earlier attempt.</summary>
    private const int Small = 16 * 1024;

    /// <summary>Until what waits has become less.</summary>
    private static readonly TimeSpan Crowded = TimeSpan.FromSeconds(30);

    /// <summary>Cheap; false for nearly all mail.</summary>
    public bool Concern(ResolvedMail mail) => mail.Content.Sources > 0 || MayLink(mail, Rule(mail));

    /// <summary>The mail with all it needs, or what becomes of it without. In the latter case its permit and its charge have been given back, before anything is fetched or made.</summary>
    public async ValueTask<(ResolvedMail? Mail, Outcome? Refused)> EquipAsync(ResolvedMail mail, CancellationToken abort)
    {
        var (ticket, content) = (mail.Due.Ticket, mail.Content);
        var equipped = mail;
        try
        {
            var draft = JsonSerializer.Deserialize(content.Json.Span, MailJson.Default.MailDraft) ?? throw new JsonException("The stored message is null.");
            var wanted = AttachmentNotation.Fetched(draft);
            if (desk.TryTake(ticket, content.Key.Tenant, content.CreatedAt, wanted) is not { } files)
            {
                mail.Charge.Dispose();
                mail.Due.Permit.Dispose();
                return (null, desk.TryFetch(ticket, content.Key.Tenant, content.CreatedAt, wanted)
                    ? new Outcome.NotYet(ticket)
                    : new Outcome.Postponed(ticket, content, "Too many messages wait for their attachments.") { RetryAfter = Crowded });
            }

            if (files.Length > 0) equipped = mail with { Files = ByIndex(files, wanted, draft.Attachments!.Count), Charge = new Belongings(mail.Charge, files) };
            return MayLink(mail, Rule(mail)) ? await LinkAsync(equipped, draft, abort) : (equipped, null);
        }
        catch (SourceException fault)
        {
            equipped.Charge.Dispose();
            var trouble = FetchTrouble.Of(fault);
            return (null, trouble.Status is { } status
                ? new Outcome.Unsendable(ticket, content, status, trouble.Message)
                : new Outcome.Postponed(ticket, content, trouble.Message) { BySource = true, RetryAfter = trouble.RetryAfter });
        }
        catch
        {
            equipped.Charge.Dispose();
            throw;
        }
    }

    private async ValueTask<(ResolvedMail? Mail, Outcome? Refused)> LinkAsync(ResolvedMail mail, MailDraft draft, CancellationToken abort)
    {
        var (ticket, tenant, rule) = (mail.Due.Ticket, mail.Content.Key.Tenant, Rule(mail));
        LargeFile[] large = [.. AtHand(draft, mail.Files)];
        if (await links!.ApplyAsync(ticket, tenant, rule, large, mayUpload: false, abort) is { } linked) return (mail with { Links = linked.Links }, null);

        mail.Due.Permit.Dispose();
        if (maker!.TryMake(mail, rule!, large)) return (null, new Outcome.NotYet(ticket));
        mail.Charge.Dispose();
        return (null, new Outcome.Postponed(ticket, mail.Content, "Too many messages wait for links to their large files.") { RetryAfter = Crowded });
    }

    private static IEnumerable<LargeFile> AtHand(MailDraft draft, IReadOnlyList<LocalContent?> files)
    {
        for (var i = 0; i < draft.Attachments?.Count; i++)
        {
            var attachment = draft.Attachments[i];
            var (name, shown) = (AttachmentNotation.FileName(attachment), attachment.InlineId is not null && draft.Html is not null);
            if (i < files.Count && files[i] is { } file) yield return LargeFile.Of(i, name, attachment.ContentType, shown, file.Path, file.Size);
            else if (AttachmentNotation.Inline(attachment) is { } base64 && Base64.IsValid(base64.Span, out var size))
            {
                yield return new(i, name, attachment.ContentType, size, shown, () => new MemoryStream(Convert.FromBase64String(base64.ToString()), writable: false));
            }
        }
    }

    private LargeFiles? Rule(ResolvedMail mail) => links is null ? null : accounts.Directory.LargeFilesOf(mail.Account);

    // Content inline cannot be larger than the JSON around it. Without a rule there may be links of an earlier attempt.
    private bool MayLink(ResolvedMail mail, LargeFiles? rule) =>
        links is not null && (rule is null
            ? mail.Due.Ticket.Attempt > 0 && (mail.Content.Sources > 0 || mail.Content.Json.Length > Small)
            : mail.Content.Sources > 0 || mail.Content.Json.Length > rule.Threshold);

    private static LocalContent?[] ByIndex(LocalContent[] files, IReadOnlyList<AttachmentRef> wanted, int attachments)
    {
        var places = new LocalContent?[attachments];
        for (var i = 0; i < files.Length; i++) places[wanted[i].Index] = files[i];
        return places;
    }

    private sealed class Belongings(IDisposable charge, LocalContent[] files) : IDisposable
    {
        public void Dispose()
        {
            foreach (var file in files) file.Dispose();
            charge.Dispose();
        }
    }
}
