using System.Text;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Pipeline.Storage.Sqlite.Flight;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MailProxy.Tests.Storage;

/// <summary>The message store on a SQLite file in a directory of its own.</summary>
internal sealed class SqliteBench : SqlBench
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mailproxy-store-");
    private readonly TimeSpan _backOff;
    private int _life;
    private SqliteConnection? _stranger;

    public SqliteBench()
        : this(TimeSpan.FromMilliseconds(20)) { }

    public SqliteBench(TimeSpan backOff)
    {
        _backOff = backOff;
        Open();
    }

    public override bool KnowsPhases => true;

    public SqliteDatabase Database => (SqliteDatabase)Data;

    protected override string SpoolDirectory => Path.Combine(Life(_life), "spool");

    public override void Crash()
    {
        // Copied while it is open: what a killed process would leave, both logs and all.
        var (from, to) = (Life(_life), Life(++_life));
        Directory.CreateDirectory(Path.Combine(to, "spool"));
        foreach (var file in Directory.GetFiles(from, "mailproxy.db*"))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        File.Copy(Path.Combine(from, FlightStart.FileName), Path.Combine(to, FlightStart.FileName));
        foreach (var file in Directory.GetFiles(Path.Combine(from, "spool")))
            File.Copy(file, Path.Combine(to, "spool", Path.GetFileName(file)));
        Database.Dispose();
        Open();
    }

    /// <summary>No new page fits: the disk is full.</summary>
    public Task FillDiskAsync() =>
        Database.Writer.WriteAsync(session => session.QueryNumber($"PRAGMA max_page_count={session.QueryNumber("PRAGMA page_count")}"));

    /// <summary>
    /// Space again. The limit belongs to the writer's connection, whose thread only turns that fail can reach; so the loop's own file is
    /// asked directly.
    /// </summary>
    public void FreeDisk() => raw.sqlite3_exec(((SqliteSession)Database.Writer.Session).Connection.Handle, "PRAGMA max_page_count=1000000");

    public override async Task<bool> LeftAsync(string text)
    {
        await RunAsync("UPDATE settings SET value = value");
        Database.Dispose(); // the log is carried back and removed
        var left = File.ReadAllBytes(Path.Combine(Life(_life), "mailproxy.db")).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;
        Open();
        return left;
    }

    /// <summary>Another program holds the database's write lock; the writer is told not to wait for it.</summary>
    public override async Task BreakAsync()
    {
        await RunAsync("PRAGMA busy_timeout=0");
        _stranger = new(new SqliteConnectionStringBuilder { DataSource = Database.Path, Pooling = false }.ToString());
        _stranger.Open();
        _stranger.Run("BEGIN IMMEDIATE");
    }

    public override void Mend() => _stranger!.Run("ROLLBACK");

    public override void Dispose()
    {
        _stranger?.Dispose();
        Database.Dispose();
        _root.Delete(recursive: true);
    }

    private void Open()
    {
        var health = new PipelineHealth();
        Begin(TemporaryStore.OpenAt(Life(_life), health, backOff: _backOff), health);
    }

    private string Life(int number) => Path.Combine(_root.FullName, $"life{number}");
}
