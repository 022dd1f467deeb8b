using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>What a mail with fetched attachments needs beyond its body.</summary>
internal sealed class Attachments(FetchDesk desk)
{
    /// <summary>Until what waits has become less.</summary>
    private static readonly TimeSpan Crowded = TimeSpan.FromSeconds(30);

    /// <summary>The mail with its files, or what becomes of it without. In the latter case its permit and its charge have been given back, before anything is fetched.</summary>
    public (ResolvedMail? Mail, Outcome? Refused) Equip(ResolvedMail mail)
    {
        var (ticket, content) = (mail.Due.Ticket, mail.Content);
        try
        {
            var draft = JsonSerializer.Deserialize(content.Json.Span, MailJson.Default.MailDraft) ?? throw new JsonException("The stored message is null.");
            var wanted = AttachmentNotation.Fetched(draft);
            if (desk.TryTake(ticket, content.Key.Tenant, content.CreatedAt, wanted) is { } files)
            {
                return (mail with { Files = ByIndex(files, wanted, draft.Attachments?.Count ?? 0), Charge = new Belongings(mail.Charge, files) }, null);
            }

            mail.Charge.Dispose();
            mail.Due.Permit.Dispose();
            return (null, desk.TryFetch(ticket, content.Key.Tenant, content.CreatedAt, wanted)
                ? new Outcome.NotYet(ticket)
                : new Outcome.Postponed(ticket, content, "Too many messages wait for their attachments.") { RetryAfter = Crowded });
        }
        catch
        {
            mail.Charge.Dispose();
            throw;
        }
    }

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
