using System.Net;
using System.Net.Http.Json;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using Microsoft.Data.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Another program in the database: somebody's shell with a transaction open.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class LockedStoreTests
{
    [Test]
    [Category(TestDaemon.NamesFiles)]
    public async Task WriteLock_HeldByAnother_RefusesThenRecoversAndNothingIsSentTwice()
    {
        var (dot, taken) = (
            new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously),
            new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
        );
        await using var server = new ScriptedSmtpServer(async heard =>
        {
            if (heard.Verb == "DOT")
            {
                dot.TrySetResult();
                await taken.Task;
            }

            return null;
        });
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory, ("Log:Level", "Error"));
        await daemon.PutAccountAsync("real", server.Port);
        var before = await PostAsync(daemon, "before");
        await dot.Task.WaitAsync(TestDaemon.Deadline);

        using (
            var other = new SqliteConnection(
                new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, "mailproxy.db"), Pooling = false }.ToString()
            )
        )
        {
            other.Open();
            using var begin = other.CreateCommand();
            begin.CommandText = "BEGIN IMMEDIATE";
            begin.ExecuteNonQuery();
            taken.SetResult();

            // Each of the two waits out the writer's deadline of 5 s: the lock is held for 10 s in all.
            Assert.That(await PostAsync(daemon, "first"), Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            using (var ready = await daemon.Http.GetAsync("/health/ready"))
            {
                Assert.That(ready.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
                Assert.That(await ready.Content.ReadAsStringAsync(), Does.Contain("locked"));
            }

            Assert.That(await PostAsync(daemon, "second"), Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That((string)(await daemon.GetAsync("/v1/messages/before"))["status"]!, Is.EqualTo("sending"));
        }

        await daemon.UntilAsync("before", EventType.MessageSent);
        Assert.That(before, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That(await PostAsync(daemon, "first"), Is.EqualTo(HttpStatusCode.Accepted));
        await daemon.UntilAsync("first", EventType.MessageSent);
        Assert.That(server.Taken.Select(m => m.Key), Is.EqualTo(new[] { "default/before", "default/first" }));
        using (var never = await daemon.Http.GetAsync("/v1/messages/second"))
            Assert.That(never.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        await daemon.StopAsync();
    }

    private static async Task<HttpStatusCode> PostAsync(TestDaemon daemon, string id)
    {
        using var answer = await daemon.Http.PostAsJsonAsync(
            "/v1/messages",
            new
            {
                id,
                account = "real",
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
            }
        );
        return answer.StatusCode;
    }
}
