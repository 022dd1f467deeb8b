using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Several daemons that share a database.</summary>
internal sealed class NodesTests : NodesFixture
{
    [Test]
    public async Task Post_AnyNode_GoesByTheNodeThatHoldsTheLane()
    {
        await using var one = await StartAsync("one");
        await PutAccountsAsync(one);
        await using var two = await StartAsync("two");
        await UntilSharedAsync(one, two);

        await PostToAllAsync(one, "m");
        await PostToAllAsync(two, "n");
        await UntilSentAsync(one, "n");
        await UntilSentAsync(two, "m");

        var sent = await one.EventsAsync(static e => e.Type == EventType.MessageSent, 2 * Accounts);
        Assert.That(sent, Has.Count.EqualTo(2 * Accounts), "each once");
        Assert.That(await MailboxAsync(one) + await MailboxAsync(two), Is.EqualTo(2 * Accounts));
        Assert.That(await MailboxAsync(one), Is.InRange(1, 2 * Accounts - 1));
    }

    private static async Task<int> MailboxAsync(TestDaemon daemon) =>
        ((JsonArray)(await daemon.GetAsync("/v1/sandbox/messages?limit=100"))["data"]!).Count;

    [Test]
    public async Task Stop_TheOtherTakesOver()
    {
        await using var one = await StartAsync("one");
        await PutAccountsAsync(one);
        await using (var two = await StartAsync("two"))
        {
            await UntilSharedAsync(one, two);
            await two.StopAsync();
        }

        await PostToAllAsync(one, "m");
        await UntilSentAsync(one, "m");
        Assert.That(Held(one), Is.EqualTo(Accounts + 1));
    }

    [Test]
    public async Task StartAndStop_LanesGoOverWithoutWaitingForABeat()
    {
        Task<TestDaemon> StartSlowAsync(string name) => StartAsync(name, beat: "00:00:30", timeToLive: "00:05:00");
        await using var one = await StartSlowAsync("one");
        await PutAccountsAsync(one);
        await using var two = await StartSlowAsync("two");
        await UntilSharedAsync(one, two);
        await two.StopAsync();

        await Eventually.BecomesAsync(
            () => Task.FromResult(Held(one)),
            static held => held == Accounts + 1,
            within: TimeSpan.FromSeconds(15)
        );
    }

    [Test]
    public async Task Node_CannotReachTheDatabase_IsDeclaredDeadAndEnds()
    {
        await using var one = await StartAsync("one");
        await PutAccountsAsync(one);
        using var way = new CuttableProxy(PostgresServer.Shared.PortNumber);
        await using var two = await StartAsync("two", way.Port);
        await UntilSharedAsync(one, two);

        way.Swallow();
        await PostToAllAsync(one, "m");
        await UntilSentAsync(one, "m");
        way.Mend();
        await two.UntilStoppedAsync();
    }

    [Test]
    public async Task Put_IsInForceAtTheOthersWhenItIsAnswered()
    {
        await using var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        for (var i = 0; i < 5; i++)
        {
            var body = new { sandbox = true, description = $"D{i}" };
            using var put = await one.Http.PutAsJsonAsync("/v1/accounts/shared", body);
            Assert.That(put.Headers.Contains("MailProxy-Pending-Nodes"), Is.False);
            Assert.That((string?)(await two.GetAsync("/v1/accounts/shared"))["description"], Is.EqualTo($"D{i}"));
        }

        Assert.That((int)await two.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend"), Is.EqualTo(200));
        Assert.That((bool)(await one.GetAsync("/v1/status"))["suspended"]!, Is.True);
        Assert.That((int)await one.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate"), Is.EqualTo(200));
        Assert.That((bool)(await two.GetAsync("/v1/status"))["suspended"]!, Is.False);
    }

    [Test]
    public async Task Feed_AtAnotherNode_WakesAndHasNoHole()
    {
        await using var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        var cursor = (string)(await two.GetAsync("/v1/events?after=now"))["next_cursor"]!;
        var wait = two.GetAsync($"/v1/events?after={cursor}&wait=30");
        await one.PostAsync(
            new
            {
                id = "m",
                from = "me@example.org",
                to = new[] { "you@example.com" },
                text = "Hello.",
                account = "sandbox",
            }
        );
        var answer = await wait;
        Assert.That(answer.ToJsonString(), Does.Contain("\"m\""));
    }

    [Test]
    public async Task Change_OfAMessageThatAnotherNodeSends_IsMade()
    {
        await using var one = await StartAsync("one");
        await PutAccountsAsync(one);
        await using var two = await StartAsync("two");
        await UntilSharedAsync(one, two);
        Assert.That((int)await one.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend"), Is.EqualTo(200));
        await PostToAllAsync(one, "m");
        for (var i = 0; i < Accounts; i++)
        {
            var at = i % 2 == 0 ? one : two;
            Assert.That((int)await at.SendAsync(HttpMethod.Post, $"/v1/messages/m{i}/cancel"), Is.EqualTo(200));
        }

        await PostToAllAsync(two, "n");
        Assert.That((int)await two.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate"), Is.EqualTo(200));
        await UntilSentAsync(one, "n");
        Assert.That(await MailboxAsync(one) + await MailboxAsync(two), Is.EqualTo(Accounts));
    }

    [Test]
    public async Task LargeBody_TakenByOneNode_IsSentByAnother()
    {
        await using var one = await StartAsync("one");
        await PutAccountsAsync(one);
        await using var two = await StartAsync("two");
        await UntilSharedAsync(one, two);
        var text = new string('x', 400_000);
        for (var i = 0; i < Accounts; i++)
        {
            await one.PostAsync(
                new
                {
                    id = $"m{i}",
                    from = "me@example.org",
                    to = new[] { "you@example.com" },
                    text,
                    account = Account(i),
                }
            );
        }

        await UntilSentAsync(two, "m");
        Assert.That(await MailboxAsync(one) + await MailboxAsync(two), Is.EqualTo(Accounts));
    }

    [Test]
    public async Task Post_ConnectionsCutAgainAndAgain_EverythingAcknowledgedAtEitherNodeIsSent()
    {
        await using var one = await StartAsync("one");
        await PutAccountsAsync(one);
        await using var two = await StartAsync("two");
        await UntilSharedAsync(one, two);
        var acknowledged = new List<string>();
        for (var i = 0; i < 240; i++)
        {
            if (i % 8 == 5)
                PostgresServer.Shared.CutOff(Database);
            using var answer = await (i % 2 == 0 ? one : two).Http.PostAsJsonAsync("/v1/messages", Mail($"m{i}", i / 2 % Accounts));
            if (answer.StatusCode == HttpStatusCode.Accepted)
                acknowledged.Add($"m{i}");
        }

        Assert.That(acknowledged, Has.Count.GreaterThan(100));
        foreach (var id in acknowledged)
            await one.UntilAsync(id, EventType.MessageSent);
    }

    [Test]
    public async Task Start_CopyOfAMachineThatLives_IsRefusedAndTheOtherGoesOn()
    {
        await using var one = await StartAsync("one");
        var copy = Path.Combine(Path.GetDirectoryName(one.Data)!, "copy");
        Directory.CreateDirectory(copy);
        File.Copy(Path.Combine(one.Data, "store.place"), Path.Combine(copy, "store.place"));
        await Assert.ThatAsync(
            async () => await StartAsync("one", folder: "copy"),
            Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("store.place").And.Message.Contains("Storage:Nodes:Name")
        );
        await PutAccountsAsync(one);
    }

    [Test]
    public async Task Start_NameThatLives_IsRefused()
    {
        await using var one = await StartAsync("one");
        await Assert.ThatAsync(
            async () => await StartAsync("one", folder: "other"),
            Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("Storage:Nodes:Name")
        );
    }
}
