using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>What a server said stands, seen from outside: in the message's state, its events, and the account's.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class RefusingServerTests
{
    [TestCase("MAIL", "550 5.7.1 no", true)]
    [TestCase("MAIL", "550 5.7.1 no", false)]
    [TestCase("RCPT", "550 5.1.1 no such user", true)]
    [TestCase("RCPT", "550 5.1.1 no such user", false)]
    public async Task Refused_ThenTheServerHangsUp_TheMessageFailsAndNobodyElseWaits(string verb, string reply, bool pipelining)
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb == verb && heard.Line.Contains("bad@", StringComparison.Ordinal) ? new Said(reply + "\r\n", SaidThen.Close)
            : heard.Verb == "EHLO" && !pipelining ? "250 odd"
            : null
        );
        using var directory = new TempDirectory();
        await using var daemon = await StartAsync(directory, server);

        var bad = await daemon.PostAsync(
            new
            {
                from = verb == "MAIL" ? "bad@example.com" : "a@example.com",
                to = "bad@example.org",
                text = "x",
            }
        );
        string[] good = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(i =>
                    daemon.PostAsync(
                        new
                        {
                            from = "a@example.com",
                            to = $"b{i}@example.org",
                            text = "x",
                        }
                    )
                )
        );
        foreach (var id in good.Append(bad))
            await daemon.EventsAsync(e => e.MessageId == id && e.Status.IsFinal(), 1);

        var message = await daemon.GetAsync($"/v1/messages/{bad}");
        Assert.That(
            ((string)message["status"]!, (int)message["recipients"]![0]!["smtp_code"]!, (int)message["attempts"]!),
            Is.EqualTo(("failed", 550, 1))
        );
        Assert.That((await daemon.EventsAsync(e => e.Status == MessageState.Sent, 20)).Count, Is.EqualTo(20));
        await NoTroubleAsync(daemon);
        await daemon.StopAsync();
    }

    [Test]
    public async Task OneRefused_ThenTheServerHangsUp_TheOtherIsSentAtOnce()
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb == "RCPT" && heard.Line.Contains("<x@", StringComparison.Ordinal)
                ? new Said("550 5.1.1 who\r\n", SaidThen.Close)
                : null
        );
        using var directory = new TempDirectory();
        await using var daemon = await StartAsync(directory, server);

        var id = await daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = new[] { "x@example.org", "y@example.org" },
                text = "x",
            }
        );
        await daemon.UntilAsync(id, EventType.MessagePartiallySent);

        var recipients = (await daemon.GetAsync($"/v1/messages/{id}"))["recipients"]!.AsArray();
        Assert.That(
            recipients.Select(r => ((string)r!["status"]!, (int)r["smtp_code"]!)),
            Is.EqualTo(new[] { ("failed", 550), ("sent", 250) })
        );
        await NoTroubleAsync(daemon);
        await daemon.StopAsync();
    }

    [TestCase(1)]
    [TestCase(5)]
    public async Task SessionLimit_ToldBehindTheLastReply_CostsANewConnectionOnly(int mails)
    {
        var taken = new Dictionary<int, int>();
        await using var server = new ScriptedSmtpServer(heard =>
        {
            if (heard.Verb != "DOT")
                return null;
            lock (taken)
            {
                taken[heard.Connection] = taken.GetValueOrDefault(heard.Connection) + 1;
                return taken[heard.Connection] % mails == 0
                    ? new Said("250 2.0.0 ok\r\n421 4.4.2 session limit\r\n", SaidThen.Close)
                    : null;
            }
        });
        using var directory = new TempDirectory();
        await using var daemon = await StartAsync(directory, server);

        for (var i = 0; i < 20; i++)
            await daemon.PostAsync(
                new
                {
                    from = "a@example.com",
                    to = $"b{i}@example.org",
                    text = "x",
                }
            );

        Assert.That((await daemon.EventsAsync(e => e.Type == EventType.MessageSent, 20)).Count, Is.EqualTo(20));
        await NoTroubleAsync(daemon);
        await daemon.StopAsync();
    }

    [Test]
    public async Task OneRecipientATransaction_ToldBy452WithoutEnhancedCode_EveryoneIsSentTo()
    {
        var accepted = new Dictionary<int, int>();
        await using var server = new ScriptedSmtpServer(heard =>
        {
            lock (accepted)
            {
                if (heard.Verb == "MAIL")
                    accepted[heard.Connection] = 0;
                return heard.Verb == "RCPT" && accepted[heard.Connection]++ > 0 ? "452 Too many recipients" : null;
            }
        });
        using var directory = new TempDirectory();
        await using var daemon = await StartAsync(directory, server);

        var id = await daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = Enumerable.Range(0, 20).Select(i => $"b{i}@example.org"),
                text = "x",
            }
        );
        await daemon.UntilAsync(id, EventType.MessageSent);

        Assert.That(server.Mails, Has.Count.EqualTo(20));
        await daemon.StopAsync();
    }

    [Test]
    public async Task EverySenderRefusedAlike_TheQueueWaitsInsteadOfFailing()
    {
        await using var server = new ScriptedSmtpServer(heard => heard.Verb == "MAIL" ? "550 5.7.1 relaying denied" : null);
        using var directory = new TempDirectory();
        await using var daemon = await StartAsync(directory, server);

        for (var i = 0; i < 8; i++)
            await daemon.PostAsync(
                new
                {
                    from = $"a{i}@example.com",
                    to = "b@example.org",
                    text = "x",
                }
            );
        await daemon.EventsAsync(e => e.Type == EventType.AccountCircuitOpened, 1);

        var failed = (await daemon.EventsAsync(_ => true, 0)).Count(e => e.Type == EventType.MessageFailed);
        Assert.That(failed, Is.EqualTo(3));
        Assert.That(
            (string)(await daemon.GetAsync("/v1/accounts/real"))["waiting_for"]!["detail"]!,
            Does.Contain("Every sender is refused alike").And.Contain("relaying denied")
        );
        await daemon.StopAsync();
    }

    [TestCase("450 try again in \u0663\u0660 seconds", "deferred")]
    [TestCase("550 \u202eevil\u2028next\u0000\u0007line", "failed")]
    public async Task HostileWords_InAReplyToTheDot_AreCleanedAndKeepTheirMeaning(string reply, string status)
    {
        var octets = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(reply + "\r\n"));
        await using var server = new ScriptedSmtpServer(heard => heard.Verb == "DOT" ? new Said(octets) : null);
        using var directory = new TempDirectory();
        await using var daemon = await StartAsync(directory, server);

        var id = await daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.org",
                text = "x",
                on_ambiguous = "hold",
            }
        );
        await daemon.EventsAsync(e => e.MessageId == id && e.Type is EventType.MessageDeferred or EventType.MessageFailed, 1);

        var message = await daemon.GetAsync($"/v1/messages/{id}");
        Assert.That((string)message["status"]!, Is.EqualTo(status));
        var told = (string)message["recipients"]![0]!["reply"]!;
        Assert.That(told, Does.Not.Contain("\u202e").And.Not.Contain("\u2028").And.Not.Contain("\0").And.Not.Contain("\a"));
        await daemon.StopAsync();
    }

    [Test]
    public async Task ServerThatDoesNotGreet_IsToldEverywhereAndHoldsUpNoStop()
    {
        await using var server = new ScriptedSmtpServer(heard => heard.Verb == "CONNECT" ? new Said("", SaidThen.Hang) : null);
        using var directory = new TempDirectory();

        // A grace period longer than anybody waits here: a stop that needed it would not end in time.
        await using var daemon = await StartAsync(directory, server, ("Drain:GraceSeconds", "300"));
        var id = await daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.org",
                text = "x",
            }
        );
        await server.Seen("CONNECT");

        var message = await Eventually.BecomesAsync(
            () => daemon.GetAsync($"/v1/messages/{id}"),
            m => $"{m["waiting_for"]?["detail"]}".Contains("not greeted", StringComparison.Ordinal)
        );
        var waits = message["waiting_for"]!;
        Assert.That((string)waits["reason"]!, Is.EqualTo("connecting"));
        Assert.That(
            (string)waits["detail"]!,
            Does.StartWith($"connecting to 127.0.0.1:{server.Port} since 20").And.Contain("set security to \"tls\"")
        );
        Assert.That((string)(await daemon.GetAsync("/v1/accounts/real"))["waiting_for"]!["reason"]!, Is.EqualTo("connecting"));

        using var answer = await daemon.Http.PostAsync("/v1/accounts/real/test", null);
        var test = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.That(
            (answer.StatusCode, (bool)test["ok"]!, (string)test["stage"]!),
            Is.EqualTo((HttpStatusCode.OK, false, "greeting")),
            test.ToJsonString()
        );
        Assert.That(test.ToJsonString(), Does.Contain("took too long").And.Contain($"127.0.0.1:{server.Port}"));

        await daemon.StopAsync().WaitAsync(TestDaemon.Deadline);
    }

    private static async Task NoTroubleAsync(TestDaemon daemon)
    {
        Assert.That((await daemon.EventsAsync(_ => true, 0)).Select(e => e.MessageId), Has.All.Not.Null, "no trouble of the account");
        Assert.That((await daemon.GetAsync("/v1/accounts/real")).ToJsonString(), Does.Not.Contain("account_backoff"));
    }

    private static async Task<TestDaemon> StartAsync(
        string directory,
        ScriptedSmtpServer server,
        params (string Name, string Value)[] settings
    )
    {
        var daemon = await TestDaemon.StartAsync(directory, settings);
        var status = await daemon.SendAsync(
            HttpMethod.Put,
            "/v1/accounts/real",
            new
            {
                host = "127.0.0.1",
                port = server.Port,
                security = "none",
                max_connections = 1,
            }
        );
        Assert.That(status, Is.EqualTo(HttpStatusCode.Created));
        return daemon;
    }
}
