using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Batches that weigh more than others: counted in the order in which a server sees them.</summary>
[TestFixture]
internal sealed class BatchWeightTests : PoolFixture
{
    [Test]
    public async Task Weighs_GoesSoManyTimesAsOften_AfterARestartToo()
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
            Assert.That(await PutAsync(daemon, "heavy", 4), Is.EqualTo(HttpStatusCode.Created), "before its mail comes");
            await PostAsync(daemon, "heavy", 400);
            await PostAsync(daemon, "light", 400);
            await daemon.StopAsync();
        }

        await using var again = await TestDaemon.StartAsync(Directory);
        Assert.That((int)(await again.GetAsync("/v1/batches/heavy"))["weight"]!, Is.EqualTo(4));
        Assert.That((int)(await again.GetAsync("/v1/batches/light"))["weight"]!, Is.EqualTo(1));
        Assert.That(
            (await again.GetAsync("/v1/batches"))["data"]!.AsArray().Select(static one => ((string)one!["id"]!, (int)one["weight"]!)),
            Is.EqualTo(new[] { ("heavy", 4), ("light", 1) })
        );
        Assert.That(await again.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate"), Is.EqualTo(HttpStatusCode.OK));
        await SentAsync(again, 800);

        var heavy = Ids(server).Take(400).Count(static id => id.StartsWith("heavy", StringComparison.Ordinal));
        Assert.That(heavy, Is.EqualTo(320).Within(12));
        Assert.That(await PutAsync(again, "heavy", 1), Is.EqualTo(HttpStatusCode.OK));
        Assert.That((int)(await again.GetAsync("/v1/batches/heavy"))["weight"]!, Is.EqualTo(1));
        await again.StopAsync();
    }

    [TestCase("0")]
    [TestCase("101")]
    [TestCase("1.5")]
    [TestCase("\"2\"")]
    public async Task WeightIsNoneThatThereIs_IsRefusedWithAPointer(string weight)
    {
        await using var daemon = await TestDaemon.StartAsync(Directory);
        using var body = new StringContent($$"""{"suspended":false,"weight":{{weight}}}""", null, "application/json");
        using var answer = await daemon.Http.PutAsync("/v1/batches/news", body);
        var problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.That(((int)answer.StatusCode, (string)problem["code"]!), Is.EqualTo((422, "out_of_range")));
        Assert.That((string)problem["errors"]![0]!["pointer"]!, Is.EqualTo("/weight"));
        await daemon.StopAsync();
    }

    private static Task<HttpStatusCode> PutAsync(TestDaemon daemon, string batch, int weight) =>
        daemon.SendAsync(HttpMethod.Put, $"/v1/batches/{batch}", new { suspended = false, weight });

    private static async Task PostAsync(TestDaemon daemon, string batch, int count)
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
                    from = "a@example.com",
                    to = $"{batch}{i}@example.org",
                    text = "x",
                }),
        ];
        using var answer = await daemon.Http.PostAsJsonAsync("/v1/messages/batch", new { messages });
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Not.Contain("error"));
    }
}
