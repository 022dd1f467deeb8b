using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Json;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>
/// A page deep inside the store's file is written over while the daemon runs: it stands still and says so, acknowledges nothing, does not
/// end, and loses nothing once the page is put back.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class RuntimeDamageTests
{
    private const int Count = 400;

    [TestCase("bodies")]
    [TestCase("messages")]
    [TestCase("recipients")]
    [TestCase("queue")]
    [Category(TestDaemon.NamesFiles)]
    public async Task Damage_WhileRunning_StandsStillAndLosesNothing(string table)
    {
        await using var server = new ScriptedSmtpServer();
        using var directory = new TempDirectory();
        var path = Path.Combine(directory, "mailproxy.db");
        await using (var first = await TestDaemon.StartAsync(directory))
        {
            await first.PutAccountAsync("real", server.Port);
            await first.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
            await Parallel.ForAsync(0, Count, async (n, _) => await first.PostAsync(Mail(n)));
            await first.StopAsync();
        }

        byte[] whole;
        long at;
        await using (
            var second = await TestDaemon.StartAsync(
                directory,
                ("Log:Level", "Fatal"),
                ("Drain:GraceSeconds", "1"),
                ("Drain:ReplySeconds", "0")
            )
        )
        {
            (at, whole) = Overwrite(path, table);
            await second.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
            await Eventually.BecomesAsync(
                () => ReadyAsync(second),
                answer => answer.StartsWith("503", StringComparison.Ordinal) && answer.Contains("damaged", StringComparison.Ordinal)
            );

            using (var refused = await second.Http.PostAsJsonAsync("/v1/messages", Mail(Count)))
            {
                Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
                Assert.That(refused.Headers.RetryAfter, Is.Not.Null);
            }

            // It goes on living: a process that ended would only be started again.
            Assert.That(second.Services.GetRequiredService<MailPipeline>().Completion.IsCompleted, Is.False);
            Assert.That(await ReadyAsync(second), Does.StartWith("503"), "what can still be written proves nothing");
            await second.StopAsync();
        }

        PutBack(path, at, whole);
        await using var third = await TestDaemon.StartAsync(directory);
        await third.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        await third.EventsAsync(e => e.Type == EventType.MessageSent, Count);
        Assert.That(server.Taken.Select(m => m.Key).Distinct(), Is.EquivalentTo(Enumerable.Range(0, Count).Select(n => $"default/m{n}")));
        var admitted = await third.EventsAsync(e => e.Type is EventType.MessageSent or EventType.MessageAmbiguous, Count);
        var twice = server.Taken.GroupBy(m => m.Key).Where(g => g.Count() > 1).Select(g => g.Key);
        Assert.That(twice, Is.SubsetOf(admitted.Where(e => e.Type == EventType.MessageAmbiguous).Select(e => $"default/{e.MessageId}")));
        await third.StopAsync();
    }

    private static object Mail(int n) =>
        new
        {
            id = $"m{n}",
            account = "real",
            from = "a@example.com",
            to = $"b{n}@example.com",
            text = new string('x', 500),
        };

    private static async Task<string> ReadyAsync(TestDaemon daemon)
    {
        using var answer = await daemon.Http.GetAsync("/health/ready");
        return $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
    }

    // The first leaf of the table's tree: the oldest rows, which are wanted first.
    private static (long At, byte[] Was) Overwrite(string path, string table)
    {
        const int Size = 8192;
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var page = new byte[Size];
        var number = Root(path, table);
        while (true)
        {
            file.Position = (number - 1) * Size;
            file.ReadExactly(page);

            // An interior page (SQLite's file format, section 1.6): its first cell begins with the number of the page to its left.
            if (page[0] is not (0x02 or 0x05))
                break;
            number = BinaryPrimitives.ReadUInt32BigEndian(page.AsSpan(BinaryPrimitives.ReadUInt16BigEndian(page.AsSpan(12))));
        }

        var noise = new byte[Size];
        new Random(7).NextBytes(noise);
        file.Position = (number - 1) * Size;
        file.Write(noise);
        return ((number - 1) * Size, page);
    }

    private static long Root(string path, string table)
    {
        using var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Mode = SqliteOpenMode.ReadOnly,
                Pooling = false,
            }.ToString()
        );
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = '{table}'";
        return (long)command.ExecuteScalar()!;
    }

    private static void PutBack(string path, long at, byte[] page)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write);
        file.Position = at;
        file.Write(page);
    }
}
