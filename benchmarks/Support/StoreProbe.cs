using System.Globalization;
using Microsoft.Data.Sqlite;

namespace MailProxy.Benchmarks.Support;

/// <summary>
/// Looks into the daemon's database from outside, read-only: costs the daemon nothing, where asking it would be part of what is measured.
/// </summary>
internal sealed class StoreProbe : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _idle,
        _position;

    public StoreProbe(string data)
    {
        _connection = new(
            new SqliteConnectionStringBuilder
            {
                DataSource = Path.Combine(data, "mailproxy.db"),
                Mode = SqliteOpenMode.ReadOnly,
                Pooling = false,
            }.ToString()
        );
        _connection.Open();
        _idle = Command("SELECT NOT EXISTS (SELECT 1 FROM queue)");
        _position = Command("SELECT coalesce(max(position), 0) FROM events");
    }

    /// <summary>The position of the newest event: each sent message appends one.</summary>
    public long Position => Number(_position);

    /// <summary>Nothing waits.</summary>
    public bool IsEmpty => Number(_idle) == 1;

    public async Task EmptyAsync(TimeSpan deadline) => await UntilAsync(() => IsEmpty, deadline, "the queue to be empty");

    public async Task PositionAsync(long position, TimeSpan deadline) =>
        await UntilAsync(() => Position >= position, deadline, $"event {position}");

    /// <param name="sql">1 when it is met.</param>
    public async Task UntilAsync(string sql, TimeSpan deadline)
    {
        using var command = Command(sql);
        await UntilAsync(() => Number(command) == 1, deadline, sql);
    }

    public long Count(string sql)
    {
        using var command = Command(sql);
        return Number(command);
    }

    /// <summary>The first column of all rows.</summary>
    public IReadOnlyList<string> Texts(string sql)
    {
        using var command = Command(sql);
        using var rows = command.ExecuteReader();
        var texts = new List<string>();
        while (rows.Read())
            texts.Add(rows.GetString(0));
        return texts;
    }

    /// <summary>A statement to run again and again.</summary>
    public SqliteCommand Statement(string sql, params ReadOnlySpan<string> parameters)
    {
        var command = Command(sql);
        foreach (var name in parameters)
            command.Parameters.Add(name, SqliteType.Text);
        command.Prepare();
        return command;
    }

    /// <summary>Fails unless every message was sent: a rate of refusals is no rate.</summary>
    public void AllSent()
    {
        var others = Count("SELECT count(*) FROM messages WHERE state <> 10");
        if (others > 0)
            throw new InvalidOperationException($"{others} messages were not sent.");
    }

    public void Dispose()
    {
        _idle.Dispose();
        _position.Dispose();
        _connection.Dispose();
    }

    private static async Task UntilAsync(Func<bool> met, TimeSpan atMost, string what)
    {
        var deadline = Environment.TickCount64 + (long)atMost.TotalMilliseconds;
        while (!met())
        {
            if (Environment.TickCount64 > deadline)
                throw new TimeoutException($"Waited {atMost} for {what}.");
            await Task.Delay(5);
        }
    }

    private static long Number(SqliteCommand command) => Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);

    private SqliteCommand Command(string sql)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        return command;
    }
}
