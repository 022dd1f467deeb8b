using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <summary>Judges whether a stored message may go another way.</summary>
public static class Rerouting
{
    /// <summary>Whether the answer depends on the message's senders, so that its content must be read.</summary>
    public static bool NeedsContent(AccountDirectory directory, SmtpAccount? account, Pool? pool) =>
        Of(directory, account, pool).Any(static one => one.FromAllowed.Count > 0);

    /// <summary>The change that a message's new way is; null: no account may send from its From address.</summary>
    /// <param name="content">Null: the answer does not depend on it.</param>
    public static MessageChange.Reroute? To(AccountDirectory directory, SmtpAccount? account, Pool? pool, MailContent? content)
    {
        var accounts = Of(directory, account, pool).ToArray();
        string[] excluded = content is null ? [] : Excluded(accounts, content);
        if (excluded.Length == accounts.Length)
            return null;
        if (pool is null)
            return new(account!.Key, null, null);
        var left = accounts.Where(one => !excluded.Contains(one.Id)).Select(static one => one.Key).ToArray();
        return excluded.Length == 0
            ? new(default, pool.Key, null)
            : new(default, pool.Key, string.Join(',', excluded), left is [var only] ? only : null);
    }

    private static string[] Excluded(SmtpAccount[] accounts, MailContent content)
    {
        var (mail, head) = Read(content);
        return [.. accounts.Where(one => !MaySend(one, mail, head)).Select(static one => one.Id)];
    }

    private static IEnumerable<SmtpAccount> Of(AccountDirectory directory, SmtpAccount? account, Pool? pool) =>
        pool is null ? [account!] : directory.MembersOf(pool).Select(static member => member.Account);

    private static bool MaySend(SmtpAccount account, MailDraft? mail, RawHead head) =>
        AllowedSenders.Of(account) is not { } allowed || (mail is not null && head.Readable && RouteRules.MaySend(allowed, mail, head));

    // A whole message in a file is not read for this, and goes by accounts only that may send from anywhere; so does what is damaged.
    private static (MailDraft? Mail, RawHead Head) Read(MailContent content)
    {
        try
        {
            var mail = JsonSerializer.Deserialize(content.Json.Span, MailJson.Default.MailDraft);
            if (mail?.Raw is null)
                return (mail, RawHead.None);
            return (
                mail,
                content.Spooled is null ? RawRules.Read(mail, null, new Mistakes(1), new IngestOptions(), "") : RawHead.Unreadable
            );
        }
        catch (JsonException)
        {
            return (null, RawHead.Unreadable);
        }
    }
}
