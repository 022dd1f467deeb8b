using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>
/// Servers that hang, babble, hang up or are full: every mail arrives all the same, and none twice but where nobody can know.
/// </summary>
[TestFixture]
internal sealed class SmtpFaultTests : DaemonFixture
{
    private static readonly (string, string)[] Impatient =
    [
        ("Send:Timeouts:Greeting", "00:00:00.4"),
        ("Send:Timeouts:Command", "00:00:00.4"),
        ("Send:Timeouts:Mail", "00:00:00.4"),
        ("Send:Timeouts:Recipient", "00:00:00.4"),
        ("Send:Timeouts:DataInitiation", "00:00:00.4"),
        ("Send:Timeouts:DataBlock", "00:00:00.4"),
        ("Send:Timeouts:DataTermination", "00:00:00.4"),
        ("Send:Timeouts:Farewell", "00:00:00.4"),
        ("Report:AccountBackoffFirst", "00:00:01"),
        ("Report:AccountBackoffLongest", "00:00:01"),
        ("Report:AuthenticationBackoffFirst", "00:00:01"),
        ("Report:RetryMinutes", "0.01,0.01,0.01,0.01"),
        ("Drain:GraceSeconds", "1"),
        ("Drain:ReplySeconds", "0"),
    ];

    private static readonly string[] BeforeTheDot = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"];
    private static readonly Dictionary<string, string> Tricks = new()
    {
        ["hang"] = ScriptedSmtpServer.Hang,
        ["drop"] = ScriptedSmtpServer.Drop,
        ["reset"] = ScriptedSmtpServer.Reset,
        ["garbage"] = "\u0001\u00ff not a reply at all",
        ["beyond"] = "999 beyond",
        ["closing"] = "421 4.3.2 going down",
    };

    protected override (string Name, string Value)[] Settings => Impatient;

    [Test]
    public async Task Trick_OnceBeforeTheDot_IsTriedAgainAndArrivesOnceWithoutDoubt(
        [Values("hang", "drop", "reset", "garbage", "beyond", "closing")] string trick
    )
    {
        // One server a phase, all at the same time: most of this is waiting.
        var all = BeforeTheDot.Select(async phase =>
        {
            await using var server = new ScriptedSmtpServer().Say(phase, Tricks[trick]);
            await _daemon.PutAccountAsync(phase.ToLowerInvariant(), server.Port);
            var id = await PostAsync(phase.ToLowerInvariant(), "b@example.com");
            await _daemon.UntilAsync(id, EventType.MessageSent, TimeSpan.FromSeconds(15));

            Assert.That(server.Mails, Has.Count.EqualTo(1), phase);
            Assert.That((bool)(await _daemon.GetAsync($"/v1/messages/{id}"))["possible_duplicate"]!, Is.False, phase);
        });
        await Task.WhenAll(all);
    }

    [TestCase("hang")]
    [TestCase("drop")]
    [TestCase("reset")]
    public async Task Trick_InsteadOfTheReplyToTheDot_IsAdmittedAsADoubt(string trick)
    {
        await using var server = new ScriptedSmtpServer().Say("DOT", Tricks[trick]);
        await _daemon.PutAccountAsync("real", server.Port);
        var id = await PostAsync("real", "b@example.com");
        await _daemon.UntilAsync(id, EventType.MessageAmbiguous);
        await _daemon.UntilAsync(id, EventType.MessageSent);

        Assert.That(server.Mails, Has.Count.EqualTo(2));
        Assert.That((bool)(await _daemon.GetAsync($"/v1/messages/{id}"))["possible_duplicate"]!, Is.True);
        var types = (await _daemon.GetAsync($"/v1/messages/{id}/events"))["data"]!.AsArray().Select(e => (string)e!["type"]!);
        Assert.That(types, Is.EqualTo(new[] { "message.queued", "message.ambiguous", "message.sent" }));
    }

    [TestCase("hang")]
    [TestCase("drop")]
    public async Task Trick_ToQuit_ChangesNothing(string trick)
    {
        await using var server = new ScriptedSmtpServer().Say("QUIT", Tricks[trick]);
        await _daemon.SendAsync(
            HttpMethod.Put,
            "/v1/accounts/real",
            new
            {
                host = "127.0.0.1",
                port = server.Port,
                security = "none",
                max_messages_per_connection = 1,
            }
        );
        await PostAsync("real", "b@example.com");
        await PostAsync("real", "c@example.com");
        await _daemon.EventsAsync(e => e.Type == EventType.MessageSent, 2);
        Assert.That(server.Mails, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task ServiceClosing_AfterEveryMail_EachArrivesOnce()
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb == "DOT" ? new Said("250 2.0.0 taken\r\n421 4.3.2 enough\r\n", SaidThen.Close) : null
        );
        await _daemon.PutAccountAsync("real", server.Port);
        await AllArriveOnceAsync(server, 40);
    }

    [Test]
    public async Task HangUp_AfterEveryMail_EachArrivesOnce()
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb == "DOT" ? new Said("250 2.0.0 taken\r\n", SaidThen.Close) : null
        );
        await _daemon.PutAccountAsync("real", server.Port);
        await AllArriveOnceAsync(server, 40);
    }

    [Test]
    public async Task TooManyConnections_ServerTakesTwo_EachArrivesOnceAndTheAccountNeverRests()
    {
        await using var server = new ScriptedSmtpServer { Places = 2 };
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        await _daemon.SendAsync(
            HttpMethod.Put,
            "/v1/accounts/real",
            new
            {
                host = "127.0.0.1",
                port = server.Port,
                security = "none",
                max_connections = 8,
                max_messages_per_connection = 1000,
            }
        );
        var ids = await Task.WhenAll(Enumerable.Range(0, 400).Select(n => PostAsync("real", $"b{n}@example.com")));
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        var events = await _daemon.EventsAsync(e => e.Type != EventType.MessageQueued, 400);

        Assert.That(server.Taken.Select(m => m.Key), Is.EquivalentTo(ids.Select(id => $"default/{id}")));
        Assert.That(server.TurnedAway, Is.InRange(1, 6), "as many as wanted more than two, and each once");
        Assert.That(
            events,
            Has.All.Property(nameof(MailEvent.Type)).EqualTo(EventType.MessageSent),
            "no throttled account, nothing deferred"
        );
    }

    private Task<string> PostAsync(string account, string to) =>
        _daemon.PostAsync(
            new
            {
                account,
                from = "a@example.com",
                to,
                text = "x",
            }
        );

    private async Task AllArriveOnceAsync(ScriptedSmtpServer server, int count)
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, count).Select(n => PostAsync("real", $"b{n}@example.com")));
        await _daemon.EventsAsync(e => e.Type == EventType.MessageSent, count);
        Assert.That(server.Taken.Select(m => m.Key), Is.EquivalentTo(ids.Select(id => $"default/{id}")));
    }
}
