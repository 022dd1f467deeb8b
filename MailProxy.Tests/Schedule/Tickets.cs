using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Tests.Schedule;

/// <summary>Makes tickets and accounts.</summary>
internal static class Tickets
{
    public static readonly AccountKey A = new(1),
        B = new(2),
        C = new(3);

    public static QueuedMail Ticket(long id, AccountKey account, Priority priority = Priority.Medium, long due = 0, int recipients = 1) =>
        new(id, 1, account, priority, 0, due, recipients);

    public static SmtpAccount Account(AccountKey key, AccountLimits? limits = null, int version = 1) =>
        new()
        {
            Key = key,
            Tenant = "default",
            Id = $"account-{key.Number}",
            Version = version,
            Host = "localhost",
            Port = 25,
            Limits = limits ?? AccountLimits.None,
        };
}
