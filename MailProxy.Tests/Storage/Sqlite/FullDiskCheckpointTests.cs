using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.EndToEnd;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>
/// The disk is full when the log is to be carried back: there is capacity for the log, and none for the database to grow.
/// </summary>
internal sealed class FullDiskCheckpointTests
{
    private TmpfsMount _disk = null!;

    [SetUp]
    public async Task Mount() => _disk = await TmpfsMount.MakeAsync(128);

    [TearDown]
    public async Task Unmount() => await _disk.DisposeAsync();

    [Test]
    public async Task Checkpoint_NoCapacityForTheDatabase_LosesNothingAndIsMadeUpForWhenThereIsCapacity()
    {
        const int CheckpointFailed = 710;
        var log = new LogRecorder();
        var health = new PipelineHealth();
        var written = new List<string>();
        using (var database = Open(health, log))
        {
            // 14 MB of log and that of the migrations, none of it carried back yet; then space for a little more log, and far too little
            // for 14 MB of database.
            for (var i = 0; i < 14; i++)
                await WriteAsync(database, written);
            Assert.That(new FileInfo(database.Path).Length, Is.LessThan(2 << 20));
            _disk.Fill();
            _disk.Free(4);

            // What the failed attempt has taken may leave no capacity for the next commit either, which then says so.
            Assert.That(
                async () =>
                {
                    while (true)
                        await WriteAsync(database, written);
                },
                Throws.InstanceOf<StoreUnavailableException>()
            );
            await log.Logged(CheckpointFailed).WaitAsync(TimeSpan.FromSeconds(30));
            Assert.That(health.StoreTrouble, Is.EqualTo("the disk is full"));
            Assert.That(database.Completion.IsCompleted, Is.False);
            Assert.That(Names(database), Is.EquivalentTo(written), "all that was acknowledged, and nothing else");

            _disk.Free();
            var recovered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            health.Changed += () => recovered.TrySetResult();
            if (health.StoreTrouble is not null)
                await recovered.Task.WaitAsync(TimeSpan.FromSeconds(30));

            // Beside the writer, so that it may take some more writes until it is seen.
            for (var i = 0; i < 60 && new FileInfo(database.Path).Length <= 20 << 20; i++)
                await WriteAsync(database, written);
            Assert.That(new FileInfo(database.Path).Length, Is.GreaterThan(20 << 20), "carried back after all");
        }

        using var again = Open(new(), log);
        Assert.That(Names(again), Is.EquivalentTo(written));
        Assert.That(again.Readers.Read(c => Connections.Texts(c.Bare(), "PRAGMA integrity_check")), Is.EqualTo(new[] { "ok" }));
    }

    private SqliteDatabase Open(PipelineHealth health, ILogger log) => TemporaryStore.OpenAt(_disk.Data, health, log);

    // A megabyte each.
    private static async Task WriteAsync(SqliteDatabase database, List<string> written)
    {
        var name = $"big{written.Count}";
        await database
            .Writer.WriteAsync(c =>
            {
                Connections.Execute(c.Bare(), $"INSERT INTO settings (name, value) VALUES ('{name}', hex(randomblob(524288)))");
                return 0;
            })
            .WaitAsync(TimeSpan.FromSeconds(30));
        written.Add(name);
    }

    private static List<string> Names(SqliteDatabase database) =>
        database.Readers.Read(c => Connections.Texts(c.Bare(), "SELECT name FROM settings WHERE name LIKE 'big%'"));
}
