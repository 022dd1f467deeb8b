using MailProxy.Pipeline.Storage.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class CheckpointerTests
{
    [Test]
    public async Task Log_ManyTimesItsThreshold_IsStartedAgain()
    {
        using var bench = new SqliteBench();
        var loop = bench.Database.Writer;

        // Eight times the threshold is written, each write into the same pages.
        long longest = 0;
        for (var i = 0; i < 8 * Checkpointer.StartAt / (1 << 20); i++)
        {
            await loop.WriteAsync(c =>
                {
                    Connections.Execute(c.Bare(), "INSERT OR REPLACE INTO settings (name, value) VALUES ('big', hex(randomblob(524288)))");
                    return 0;
                })
                .WaitAsync(TimeSpan.FromSeconds(30));
            longest = Math.Max(longest, new FileInfo(bench.Database.Path + "-wal").Length);
        }

        Assert.That(longest, Is.GreaterThan(Checkpointer.StartAt).And.LessThan(7 * Checkpointer.StartAt));
    }

    [Test]
    public async Task Log_HeldByAReader_GoesOnAndIsCarriedAfterwards()
    {
        using var bench = new SqliteBench();
        await Fill(bench, 1);
        using (var reader = Connections.OpenReader(bench.Database.Path))
        {
            Connections.Execute(reader, "BEGIN");
            Assert.That(Connections.Number(reader, "SELECT count(*) FROM settings"), Is.EqualTo(1));
            await Fill(bench, 40);
            Connections.Execute(reader, "COMMIT");
        }

        var held = new FileInfo(bench.Database.Path + "-wal").Length;
        await Fill(bench, 60);

        Assert.That(held, Is.GreaterThan(40 << 20));
        Assert.That(new FileInfo(bench.Database.Path + "-wal").Length, Is.LessThan(held));
    }

    private static async Task Fill(SqliteBench bench, int megabytes)
    {
        for (var i = 0; i < megabytes; i++)
        {
            await bench
                .Database.Writer.WriteAsync(c =>
                {
                    Connections.Execute(c.Bare(), "INSERT OR REPLACE INTO settings (name, value) VALUES ('big', hex(randomblob(524288)))");
                    return 0;
                })
                .WaitAsync(TimeSpan.FromSeconds(30));
        }
    }
}
