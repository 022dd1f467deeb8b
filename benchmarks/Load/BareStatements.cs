using MailProxy.Benchmarks.Support;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailProxy.Benchmarks.Load;

/// <summary>
/// The daemon's own statements on the daemon's own schema in a bare loop: what the disk and SQLite allow when nobody asks by HTTP. 256
/// messages a commit, as the daemon's writer takes at most; checkpoints beside it.
/// </summary>
internal sealed class BareStatements : IDisposable
{
    private const int RowsPerCommit = 256;

    private readonly string _directory;
    private readonly SqliteSession _session;
    private readonly NumberLine _numbers = new();
    private readonly Checkpointer _checkpointer;
    private readonly EventRows _events;

    public BareStatements(string directory)
    {
        _directory = directory;
        var metrics = new PipelineMetrics(Prometheus.Metrics.NewCustomRegistry());
        using (var database = SqliteDatabase.Open(directory, new PipelineHealth(), metrics, NullLogger.Instance))
        {
            // Made for its schema only.
        }

        var path = Path.Combine(directory, "mailproxy.db");
        _session = new(Connections.OpenWriter(path, Checkpointer.StartAt));
        _checkpointer = new(path, NullLogger.Instance);
        _checkpointer.Start();
        _events = new(_session, _numbers);
    }

    public void Insert(int messages, int bytes)
    {
        var json = TestMail.Single(0, bytes);
        for (var done = 0; done < messages; done += RowsPerCommit)
        {
            _session.Prepare("BEGIN IMMEDIATE").Run();
            for (var n = done; n < Math.Min(done + RowsPerCommit, messages); n++)
                Insert(Mail(n, json));
            _session.Prepare("COMMIT").Run();
            _checkpointer.AfterCommit(_session);
        }
    }

    public void Dispose()
    {
        _checkpointer.Dispose();
        _session.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private void Insert(AcceptedMail mail)
    {
        var number = MessageRows.TryInsert(_session, _numbers, mail, MessageState.Queued)!.Value;
        QueueRows.Insert(
            _session,
            number,
            Lanes.Of(mail.Account),
            mail.Priority,
            0,
            QueueRows.Ready,
            1,
            0,
            mail.Recipients.Count,
            mail.ExpiresAt,
            FlowKey.Of(mail.Batch)
        );
        _events.Append(
            mail.Key.Tenant,
            number,
            1,
            new(EventType.MessageQueued, MessageState.Queued, 0, null),
            mail.Account,
            mail.CreatedAt
        );
    }

    private static AcceptedMail Mail(int n, byte[] json)
    {
        var id = Guid.CreateVersion7().ToString("N");
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        return new()
        {
            Key = new("default", id),
            Account = new AccountKey(1),
            Priority = Priority.Medium,
            EnvelopeSender = TestMail.From,
            Recipients = [$"reader{n}@example.net"],
            Subject = $"Your order {n}",
            CreatedAt = now,
            ExpiresAt = now + 432_000_000,
            MessageIdHeader = $"<{id}@example.com>",
            Body = new(json, null, json.Length),
        };
    }
}
