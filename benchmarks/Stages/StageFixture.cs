using MailProxy.Benchmarks.Support;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailProxy.Benchmarks.Stages;

/// <summary>What the stages' benchmarks share: an account, mail of 2 KB, and a real store in a directory of its own.</summary>
internal sealed class StageFixture : IDisposable
{
    private const int Bytes = 2_000;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mailproxy-stage-");
    private readonly SqliteDatabase _database;
    private readonly SubmissionRules _rules;

    public StageFixture()
    {
        Accounts.Swap(new([Account], null));
        _rules = new(
            Accounts,
            new KnownSources(new CurrentVolumes(), static _ => false, [], long.MaxValue),
            new IngestOptions(),
            "X-Mail-Key"
        );
        _database = SqliteDatabase.Open(
            _directory.FullName,
            new PipelineHealth(),
            new PipelineMetrics(Prometheus.Metrics.NewCustomRegistry()),
            NullLogger.Instance
        );
        Store = new SqlMessageStore(
            _database,
            new SpoolFiles(Path.Combine(_directory.FullName, "spool")),
            ContentHash.Of,
            TimeProvider.System,
            NullLogger.Instance
        );
    }

    public static SmtpAccount Account { get; } =
        new()
        {
            Key = new(1),
            Tenant = "default",
            Id = "sink",
            Version = 1,
            Host = "127.0.0.1",
            Port = 25,
        };

    public static byte[] Json { get; } = TestMail.Single(1, Bytes);

    public CurrentAccounts Accounts { get; } = new();

    public SqlMessageStore Store { get; }

    public static long Now => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    /// <summary>A mail as Resolve loads it.</summary>
    public static MailContent Content() =>
        new()
        {
            Key = new("default", "0199b2f0"),
            Account = Account.Key,
            EnvelopeSender = TestMail.From,
            MessageIdHeader = "<0199b2f0@example.com>",
            CreatedAt = Now,
            OnAmbiguous = AmbiguousPolicy.Retry,
            Json = Json,
            Slice = [new(0, "reader1@example.net")],
            Standing = new(0, 0, 0, 0, 0, 0, 0, false, Now + 432_000_000),
        };

    public static QueuedMail Ticket(long id) => new(id, 1, Lanes.Of(Account.Key), Priority.Medium, 0, 0, 1);

    public AcceptedLine Judge(Draft draft) => _rules.Judge("default", draft, Now, Guid.CreateVersion7);

    public AcceptedBatch Batch(int messages)
    {
        Draft[] drafts = [.. Enumerable.Range(0, messages).Select(_ => DraftBinder.BindOne(Json))];
        return new(new Submission("default", drafts, null), [.. drafts.Select(Judge)]);
    }

    public IReadOnlyList<QueuedMail> Append(int messages) => Store.AppendNowAsync([Batch(messages)]).GetAwaiter().GetResult().Tickets;

    /// <summary>Marks attempts together, and lets each begin and go out.</summary>
    public async Task<IReadOnlyList<Mark>> BeginAsync(IReadOnlyList<QueuedMail> tickets)
    {
        var now = Now;
        Mark[] marks = [.. tickets.Select(ticket => new Mark(ticket, 1, PermitCounts.None, now))];
        if ((await Task.WhenAll(marks.Select(Store.MarkAsync))).Contains(false))
            throw new InvalidOperationException("A ticket was withdrawn.");
        foreach (var ticket in tickets)
        {
            if (!Store.TryBegin(ticket))
                throw new InvalidOperationException("A ticket was withdrawn.");
            Store.Out(ticket, now);
        }

        return marks;
    }

    public void Dispose()
    {
        _database.Dispose();
        _directory.Delete(recursive: true);
    }
}
