using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Send;

namespace MailProxy.Tests.Send;

/// <summary>Accounts, contents and tickets as these tests need them.</summary>
internal static class Sample
{
    public const string Simple = """{"from":"a@x.example","to":["b@y.example"],"subject":"Hi","text":"Hello\n"}""";

    public static SmtpAccount Account(int port, SmtpSecurity security = SmtpSecurity.None) =>
        new()
        {
            Key = new(7),
            Tenant = "default",
            Id = "relay",
            Version = 1,
            Host = "127.0.0.1",
            Port = port,
            Security = security,
        };

    public static MailContent Content(string json = Simple, string sender = "a@x.example", params string[] recipients) =>
        new()
        {
            Key = new("default", "m-1"),
            Account = new(7),
            EnvelopeSender = sender,
            MessageIdHeader = "<0190-fixed@x.example>",
            CreatedAt = 1_700_000_000_000,
            OnAmbiguous = AmbiguousPolicy.Retry,
            Json = Encoding.UTF8.GetBytes(json),
            Slice = [.. (recipients.Length > 0 ? recipients : ["b@y.example"]).Select((address, i) => new SliceRecipient(i, address))],
            Standing = default,
        };

    /// <summary>The mark of an attempt, answered by <paramref name="synced"/> alone; absent: at once.</summary>
    public static AttemptMark Mark(Task<bool>? synced = null, MailContent? content = null) =>
        Mark(new FakeMarks { Marking = _ => synced ?? Task.FromResult(true) }, content);

    public static AttemptMark Mark(FakeMarks marks, MailContent? content = null, SendPermit? permit = null) =>
        new(
            new(new(Ticket(), new(7), permit ?? new Permit()), Account(25), content ?? Content(), new Charge()),
            marks,
            TimeProvider.System
        );

    public static QueuedMail Ticket(long id = 1) => new(id, 1, new(7), Priority.Medium, 0, 0, 1);

    /// <summary>A permit that knows whether it was given back.</summary>
    public sealed class Permit : SendPermit
    {
        public bool Disposed { get; private set; }
        public int Spent { get; private set; }
        public override PermitCounts Counts =>
            Free ? PermitCounts.None : new(new(LimitKey.Of(new(7)), 1), default, new(LimitKey.Installation, 1));

        /// <summary>No limit counts it.</summary>
        public bool Free { get; init; }
        public override bool IsAcquired => true;
        public override IEnumerable<string> MetadataNames => [];

        public override void Spend() => Spent++;

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = null;
            return false;
        }

        protected override void Dispose(bool disposing) => Disposed = true;
    }

    /// <summary>A charge that knows whether it was given back.</summary>
    public sealed class Charge : IDisposable
    {
        public bool Disposed { get; private set; }

        public void Dispose() => Disposed = true;
    }
}
