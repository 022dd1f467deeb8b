using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Pools;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every message store must do; each verb has its fixture, and each database its bench.</summary>
[Parallelizable(ParallelScope.Self)]
internal abstract class MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    protected static readonly AccountKey Account = new(1);

    protected TBench Bench { get; private set; } = null!;

    protected IMessageStore Store => Bench.Store;

    protected IMarks Marks => Bench.Marks;

    protected long Now => Bench.Now;

    [SetUp]
    public void MakeBench() => Bench = new TBench();

    [TearDown]
    public async Task DropBenchAsync()
    {
        try
        {
            await Bench.CheckAsync();
        }
        finally
        {
            Bench.Dispose();
        }
    }

    /// <summary>An account with a refresh token; its key.</summary>
    protected async Task<AccountKey> PutAccountAsync(string id)
    {
        await Bench.Configuration.PutAccountAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = id,
                Version = 0,
                Host = "smtp.example",
                Port = 587,
                Security = SmtpSecurity.StartTls,
                User = "u",
                OAuth = new()
                {
                    TokenUrl = new("https://login.example"),
                    ClientId = "c",
                    RefreshToken = "first",
                },
            },
            "test"
        );
        return (await Bench.Configuration.AccountsAsync()).Single(account => account.Id == id).Key;
    }

    /// <summary>Of the first account of a store, <see cref="Account"/>, only the name is left.</summary>
    protected async Task BuryAccountAsync()
    {
        Assert.That(await PutAccountAsync("gone"), Is.EqualTo(Account));
        Assert.That(await Bench.Configuration.DeleteAccountAsync("default", "gone", "test"), Is.EqualTo(DeleteResult.Deleted));
    }

    /// <summary>A pool of accounts; its key.</summary>
    protected async Task<PoolKey> PutPoolAsync(string id)
    {
        var pool = new Pool
        {
            Key = default,
            Tenant = "default",
            Id = id,
            Version = 0,
            Accounts = [new PoolMember("any")],
        };
        await Bench.Configuration.PutAsync(PoolFields.Noun, pool.Tenant, id, pool, "test");
        return (await Bench.Configuration.ValuesAsync(PoolFields.Noun)).Single(one => one.Id == id).Key;
    }

    protected AcceptedMail Mail(
        string id,
        string content = "one",
        long? sendAt = null,
        Priority priority = Priority.Medium,
        AccountKey? account = null,
        long? expiresAt = null,
        AmbiguousPolicy policy = AmbiguousPolicy.Retry,
        params string[] to
    ) =>
        new()
        {
            Key = new("default", id),
            ContentHash = StoreBench.Hash(Json(content)),
            Account = account ?? Account,
            Priority = priority,
            EnvelopeSender = "sender@example.org",
            Recipients = to.Length > 0 ? to : ["a@example.com"],
            Subject = "A subject",
            CreatedAt = Now,
            SendAt = sendAt,
            ExpiresAt = expiresAt ?? Now + 432_000_000,
            MessageIdHeader = $"<{id}@example.org>",
            Batch = "b1",
            Tags = """["t"]""",
            Metadata = """{"k":1}""",
            OnAmbiguous = policy,
            Body = new(Json(content), null, content.Length),
        };

    protected static byte[] Json(string content) => Encoding.UTF8.GetBytes($"{{\"text\":\"{content}\"}}");

    protected static AcceptedBatch Batch(params AcceptedMail[] mails) => Batch(null, mails);

    protected static AcceptedBatch Batch(IdempotencyClaim? claim, params AcceptedMail[] mails) =>
        new(new Submission("default", [], claim), [.. mails.Select(m => new AcceptedLine(m, m.Key.Id, null))]);

    protected Task<Appended> AppendAsync(params AcceptedMail[] mails) => In30(Store.AppendNowAsync([Batch(mails)]));

    /// <summary>Stores one mail; its only receipt line.</summary>
    protected async Task<ReceiptLine> PutAsync(AcceptedMail mail) => Lines(await AppendAsync(mail))[0];

    /// <summary>Stores one mail that may go at once; its ticket.</summary>
    protected async Task<QueuedMail> TicketAsync(AcceptedMail mail) => (await AppendAsync(mail)).Tickets.Single();

    /// <summary>Stores one mail, whose attempt has gone out.</summary>
    protected async Task<QueuedMail> MarkedAsync(AcceptedMail mail)
    {
        var ticket = await TicketAsync(mail);
        Assert.That(await MarkAsync(ticket), Is.True);
        return ticket;
    }

    /// <summary>Marks, begins, and lets the attempt go out. False: the ticket was withdrawn.</summary>
    protected Task<bool> MarkAsync(QueuedMail ticket, int recipients = 1, int permits = 0, int global = 0) =>
        MarkAsync(new Mark(ticket, recipients, Permits(permits, global), Now));

    protected async Task<bool> MarkAsync(Mark mark)
    {
        if (!await In30(Marks.MarkAsync(mark)) || !Marks.TryBegin(mark.Ticket))
            return false;
        Marks.Out(mark.Ticket, mark.At);
        return true;
    }

    /// <summary>Held under the limits of <see cref="Account"/> and of the installation, and of the tenant with the number 7.</summary>
    protected static PermitCounts Permits(int account, int installation, int tenant = 0) =>
        new(new(LimitKey.Of(Account), account), new(LimitKey.OfTenant(7), tenant), new(LimitKey.Installation, installation));

    protected async Task<bool> SettleAsync(Settlement settlement) => (await In30(Store.CommitAsync([settlement])))[0];

    protected async Task<ChangeResult> ChangeAsync(string id, MessageChange change) =>
        await In30(Store.ChangeAsync(new("default", id), change, "ann", Now));

    /// <summary>The attempt ended with every recipient accepted.</summary>
    protected Settlement Sent(QueuedMail ticket, int recipients = 1) =>
        new(
            ticket,
            MessageState.Sent,
            new QueueStep.Remove(),
            1,
            Verdicts(recipients, RecipientState.Sent, 250, "2.0.0", "ok"),
            [new(EventType.MessageSent, MessageState.Sent, 1, null)],
            false,
            Now
        );

    /// <summary>The attempt ended with every recipient put off until <paramref name="due"/>.</summary>
    protected Settlement Put(QueuedMail ticket, long due, int recipients = 1) =>
        new(
            ticket,
            MessageState.Deferred,
            new QueueStep.Again(due, 1, recipients),
            1,
            Verdicts(recipients, RecipientState.Deferred, 450, "4.2.0", "later"),
            [new(EventType.MessageDeferred, MessageState.Deferred, 1, null)],
            false,
            Now
        );

    protected Settlement Failed(QueuedMail ticket) =>
        new(
            ticket,
            MessageState.Failed,
            new QueueStep.Remove(),
            1,
            Verdicts(1, RecipientState.Failed, 550, "5.1.1", "no such user"),
            [new(EventType.MessageFailed, MessageState.Failed, 1, null)],
            false,
            Now
        );

    protected Settlement Held(QueuedMail ticket) =>
        new(
            ticket,
            MessageState.Held,
            new QueueStep.Hold("ambiguous", 0, 1),
            1,
            [new(0, RecipientState.InDoubt, false, null, null, null)],
            [new(EventType.MessageAmbiguous, MessageState.Held, 1, null)],
            true,
            Now
        );

    protected static RecipientUpdate[] Verdicts(int count, RecipientState state, int code, string enhanced, string reply) =>
        [.. Enumerable.Range(0, count).Select(i => new RecipientUpdate(i, state, true, code, enhanced, reply))];

    protected static IReadOnlyList<ReceiptLine> Lines(Appended appended, int batch = 0) =>
        ((SubmissionAnswer.Stored)appended.Answers[batch]!).Lines;

    protected StoredLook Look(string id) => Bench.Look(id) ?? throw new AssertionException($"'{id}' is not stored.");

    protected Task<ClaimedPage> ClaimAsync(
        int count = 100,
        Priority lowest = Priority.Low,
        LaneKey? lane = null,
        LaneCursor? cursor = null,
        IReadOnlySet<(Priority, FlowKey)>? enough = null
    ) => In30(Store.ClaimAsync(lane ?? Lanes.Of(Account), new(count, Now, lowest) { Cursor = cursor, Enough = enough }));

    protected static Task<T> In30<T>(Task<T> task) => task.WaitAsync(TimeSpan.FromSeconds(30));
}
