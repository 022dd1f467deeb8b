using System.Net;
using System.Net.Http.Json;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>In which order a server sees a large batch, a small one posted after it, and an urgent message: counted, not timed.</summary>
[TestFixture]
internal sealed class FairnessTests : PoolFixture
{
    private const int Large = 1000,
        Small = 50;

    [Test]
    public async Task SmallBatchAndImmediateBehindALargeOne_GoInTurnAndAtOnce()
    {
        await using var server = new ScriptedSmtpServer();
        await using (var daemon = await TestDaemon.StartAsync(Directory))
        {
            var account = new
            {
                host = "127.0.0.1",
                port = server.Port,
                security = "none",
                max_connections = 1,
            };
            Assert.That(await daemon.SendAsync(HttpMethod.Put, "/v1/accounts/first", account), Is.EqualTo(HttpStatusCode.Created));
            Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend"), Is.EqualTo(HttpStatusCode.OK));
            await PostAsync(daemon, "large", Large, "low");
            await PostAsync(daemon, "small", Small, "low");
            await PostAsync(daemon, "urgent", 1, "immediate");
            await daemon.StopAsync();
        }

        // From the disk: the small batch is behind a thousand rows of the other.
        await using var again = await TestDaemon.StartAsync(Directory);
        Assert.That(await again.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate"), Is.EqualTo(HttpStatusCode.OK));
        await SentAsync(again, Large + Small + 1);

        var order = Ids(server).ToList();
        Assert.That(order[0], Does.StartWith("urgent"));
        Assert.That(order.FindLastIndex(static id => id.StartsWith("small", StringComparison.Ordinal)), Is.LessThanOrEqualTo(110));
        Assert.That(
            order.Where(static id => id.StartsWith("large", StringComparison.Ordinal)),
            Is.EqualTo(Enumerable.Range(0, Large).Select(static i => $"large{i}@example.org"))
        );
        await again.StopAsync();
    }

    private static async Task PostAsync(TestDaemon daemon, string batch, int count, string priority)
    {
        object[] messages =
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new
                {
                    id = $"{batch}{i}",
                    account = "first",
                    batch,
                    priority,
                    from = "a@example.com",
                    to = $"{batch}{i}@example.org",
                    text = "x",
                }),
        ];
        using var answer = await daemon.Http.PostAsJsonAsync("/v1/messages/batch", new { messages });
        var body = await answer.Content.ReadAsStringAsync();
        Assert.That(body, Does.Not.Contain("error"), body);
    }
}
