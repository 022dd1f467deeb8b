using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Tests.Schedule;

/// <summary>Makes tickets, and the accounts whose lanes they wait in.</summary>
internal static class Tickets
{
    public static readonly LaneKey A = new(1),
        B = new(2),
        C = new(3);

    public static QueuedMail Ticket(
        long id,
        LaneKey lane,
        Priority priority = Priority.Medium,
        long due = 0,
        int recipients = 1,
        string? batch = null
    ) => new(id, 1, lane, priority, 0, due, recipients) { Flow = FlowKey.Of(batch) };

    public static SmtpAccount Account(LaneKey lane, AccountLimits? limits = null, int version = 1) =>
        new()
        {
            Key = Lanes.AccountOf(lane),
            Tenant = "default",
            Id = $"account-{lane.Number}",
            Version = version,
            Host = "localhost",
            Port = 25,
            Limits = limits ?? AccountLimits.None,
        };
}
