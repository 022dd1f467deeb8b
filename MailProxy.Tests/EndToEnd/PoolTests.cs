using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A burst over a pool of two whose first account is cut: nothing is lost or doubled, and no message loses an attempt.</summary>
[TestFixture]
internal sealed class PoolTests : PoolFixture
{
    private const int Burst = 600;

    public enum Cut
    {
        Refused,
        TooBusy,
        WrongPassword,
        Quota,
        HangsUp,

        /// <summary>Packets vanish, on the connections that are there and on new ones.</summary>
        BlackHole,
    }

    // So that the time for what nobody acknowledges is over soon.
    private static readonly (string, string)[] Impatient =
    [
        ("Send:Timeouts:Connect", "00:00:01"),
        ("Send:Timeouts:Unacknowledged", "00:00:01"),
    ];

    [Test]
    public async Task Burst_TheFirstIsCut_TheSecondTakesAllAndTheFirstComesBack(
        [Values] Cut cut,
        [Values("failover", "overflow")] string strategy
    )
    {
        await using var second = new ScriptedSmtpServer();
        var isCut = 0;
        Said? Say(Heard heard) =>
            Volatile.Read(ref isCut) == 0
                ? null
                : cut switch
                {
                    Cut.TooBusy => heard.Verb is "CONNECT" or "MAIL" ? new Said("421 4.3.2 too busy\r\n", SaidThen.Close) : null,
                    Cut.WrongPassword => heard.Verb == "CONNECT" ? new Said("535 5.7.8 no\r\n", SaidThen.Close)
                    : heard.Verb == "MAIL" ? new Said("535 5.7.8 log in again\r\n", SaidThen.Close)
                    : null,
                    Cut.Quota => heard.Verb == "MAIL" ? (Said?)"454 4.7.0 Throttling failure: Daily message quota exceeded." : null,
                    Cut.BlackHole => null,
                    _ => heard.Verb is "CONNECT" or "MAIL" ? new Said("", SaidThen.Close) : null,
                };
        var first = new ScriptedSmtpServer(Say);
        var port = first.Port;
        try
        {
            await using var daemon = await StartAsync(strategy, port, second.Port, settings: Impatient);
            await BurstAsync(daemon, "a", 50);
            await SentAsync(daemon, 50);
            Assert.That(first.Mails, Is.Not.Empty, "the first is used while it can");

            Volatile.Write(ref isCut, 1);
            if (cut == Cut.Refused)
                await first.DisposeAsync();
            else if (cut == Cut.BlackHole)
                first.SwallowPackets();
            await BurstAsync(daemon, "b", Burst);
            await SentAsync(daemon, 50 + Burst);

            Assert.That((await daemon.EventsAsync(static e => e.Type == EventType.MessageSent, 50 + Burst)).Count, Is.EqualTo(50 + Burst));
            Assert.That(await daemon.EventsAsync(static e => e.Type is EventType.MessageDeferred or EventType.MessageFailed, 0), Is.Empty);
            foreach (var id in (string[])["b0", "b300", $"b{Burst - 1}"])
            {
                var message = await daemon.GetAsync($"/v1/messages/{id}");
                Assert.That(
                    ((int)message["attempts"]!, (string)message["pool"]!),
                    Is.EqualTo((1, "both")),
                    "one attempt, by whoever took it"
                );
            }

            Assert.That((string)(await daemon.GetAsync($"/v1/messages/b{Burst - 1}"))["account"]!, Is.EqualTo("second"));
            Assert.That(
                Ids(first).Concat(Ids(second)).GroupBy(static id => id).Where(static group => group.Count() > 1),
                Is.Empty,
                "doubled"
            );

            // It comes back, and a person says so.
            Volatile.Write(ref isCut, 0);
            if (cut == Cut.Refused)
                first = new ScriptedSmtpServer(Say, port);
            else if (cut == Cut.BlackHole)
                first.TakePackets();
            Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/accounts/first/resume"), Is.EqualTo(HttpStatusCode.OK));
            var before = first.Mails.Count;
            await BurstAsync(daemon, "c", 50);
            await SentAsync(daemon, 100 + Burst);
            Assert.That(first.Mails, Has.Count.GreaterThan(before), "the first is used again");
            await daemon.StopAsync();
        }
        finally
        {
            await first.DisposeAsync();
        }
    }

    [Test]
    public async Task SenderRefusedByTheFirst_GoesByTheSecond_AndFailsWhenAllRefuse()
    {
        static Said? Refuse(Heard heard) =>
            heard.Verb == "DOT" ? (Said?)"554 5.2.252 SendAsDenied; a@example.com not allowed to send as a@example.com" : null;
        await using var first = new ScriptedSmtpServer(Refuse);
        var refuses = 0;
        await using var second = new ScriptedSmtpServer(heard => Volatile.Read(ref refuses) == 1 ? Refuse(heard) : null);
        await using var daemon = await StartAsync("failover", first.Port, second.Port);

        await BurstAsync(daemon, "a", 3);
        await SentAsync(daemon, 3);
        Assert.That(second.Mails, Has.Count.EqualTo(3));
        var message = await daemon.GetAsync("/v1/messages/a0");
        Assert.That(((string)message["account"]!, (int)message["attempts"]!), Is.EqualTo(("second", 1)));

        Volatile.Write(ref refuses, 1);
        await BurstAsync(daemon, "b", 1);
        await daemon.EventsAsync(static e => e.Type == EventType.MessageFailed, 1);
        await daemon.StopAsync();
    }

    [Test]
    public async Task FromAllowedByTheSecondOnly_GoesByTheSecond()
    {
        await using ScriptedSmtpServer first = new(),
            second = new();
        await using var daemon = await StartAsync("failover", first.Port, second.Port, firstAllows: ["@other.example"]);
        await BurstAsync(daemon, "a", 5);
        await SentAsync(daemon, 5);
        Assert.That((first.Mails.Count, second.Mails.Count), Is.EqualTo((0, 5)));

        var refused = await daemon.SendAsync(HttpMethod.Put, "/v1/accounts/second", Account(second.Port, ["@third.example"]));
        Assert.That(refused, Is.EqualTo(HttpStatusCode.OK));
        using var answer = await daemon.Http.PostAsJsonAsync("/v1/messages", Message("no"));
        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("from_not_allowed").And.Contain("/from"));
        await daemon.StopAsync();
    }

    [Test]
    public async Task Greylisted_StaysWithItsAccount_ThoughTheOtherIsFirst()
    {
        var seen = 0;
        await using var first = new ScriptedSmtpServer();
        await using var second = new ScriptedSmtpServer(heard =>
            heard.Verb == "RCPT" && Interlocked.Increment(ref seen) == 1 ? (Said?)"450 4.7.1 greylisted, come again" : null
        );
        await using var daemon = await StartAsync("failover", first.Port, second.Port);
        Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/accounts/first/pause"), Is.EqualTo(HttpStatusCode.OK));
        await BurstAsync(daemon, "a", 1);
        await daemon.EventsAsync(static e => e.Type == EventType.MessageDeferred, 1);
        Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/accounts/first/resume"), Is.EqualTo(HttpStatusCode.OK));

        var explained = await daemon.GetAsync("/v1/messages/a0/explain");
        var barred = explained["route"]!["candidates"]![0]!["gates"]![0]!;
        Assert.That((string)barred["reason"]!, Is.EqualTo("stays_with_account"));

        Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/messages/a0/retry"), Is.EqualTo(HttpStatusCode.OK));
        await SentAsync(daemon, 1);
        Assert.That((Ids(first).Count(), Ids(second).Count()), Is.EqualTo((0, 1)));
        await daemon.StopAsync();
    }

    [Test]
    public async Task Reroute_OneAndMany_GoByTheNewWay()
    {
        await using ScriptedSmtpServer first = new(),
            second = new();
        await using var daemon = await StartAsync("failover", first.Port, second.Port);
        Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/accounts/first/pause"), Is.EqualTo(HttpStatusCode.OK));
        for (var i = 0; i < 5; i++)
            await daemon.PostAsync(Message($"m{i}", account: "first"));

        using (var one = await daemon.Http.PostAsJsonAsync("/v1/messages/m0/reroute", new { account = "second" }))
            Assert.That((string)JsonNode.Parse(await one.Content.ReadAsStringAsync())!["account"]!, Is.EqualTo("second"));
        await SentAsync(daemon, 1);
        using (var many = await daemon.Http.PostAsJsonAsync("/v1/messages/reroute?account=first", new { pool = "both" }))
        {
            var told = JsonNode.Parse(await many.Content.ReadAsStringAsync())!;
            Assert.That(((int)told["rerouted"]!, (int)told["refused"]!, told["next_cursor"]), Is.EqualTo((4, 0, (JsonNode?)null)));
        }

        await SentAsync(daemon, 5);
        Assert.That((first.Mails.Count, second.Mails.Count), Is.EqualTo((0, 5)));
        using var final = await daemon.Http.PostAsJsonAsync("/v1/messages/m0/reroute", new { account = "first" });
        Assert.That(final.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
        await daemon.StopAsync();
    }

    [Test]
    public async Task Restart_WithMailOfAPoolWaiting_ItGoesOn()
    {
        await using ScriptedSmtpServer first = new(),
            second = new();
        await using (var daemon = await StartAsync("weighted", first.Port, second.Port))
        {
            Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend"), Is.EqualTo(HttpStatusCode.OK));
            await BurstAsync(daemon, "a", 40);
            await daemon.StopAsync();
        }

        await using var again = await TestDaemon.StartAsync(Directory);
        Assert.That(await again.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate"), Is.EqualTo(HttpStatusCode.OK));
        await SentAsync(again, 40);

        // The exact proportion is the router's own test: here an account with as many under way as it may have is passed over.
        Assert.That(Ids(first).Concat(Ids(second)), Is.EquivalentTo(Enumerable.Range(0, 40).Select(static i => $"a{i}@example.org")));
        Assert.That((first.Mails.Count, second.Mails.Count), Is.Not.EqualTo((40, 0)).And.Not.EqualTo((0, 40)), "both took part");
        await again.StopAsync();
    }
}
