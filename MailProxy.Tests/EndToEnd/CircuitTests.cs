using System.Net;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>An account whose server is down and comes back, seen from outside.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class CircuitTests
{
    private const int Burst = 40;

    private TempDirectory _directory = null!;
    private volatile bool _isDown;
    private ScriptedSmtpServer _server = null!;

    [SetUp]
    public void SetUp()
    {
        _directory = new();
        _isDown = true;
        _server = new(heard => heard.Verb == "CONNECT" && _isDown ? new Said("554 5.3.2 Down for the night\r\n", SaidThen.Close) : null);
    }

    [TearDown]
    public async Task TearDownAsync()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task Down_EachOpeningIsOneConnection_AndUpAgainEverythingGoes()
    {
        await using var daemon = await StartAsync(
            ("Report:AccountBackoffFirst", "00:00:01"),
            ("Report:AccountBackoffLongest", "00:00:01"),
            ("Report:Jitter", "0")
        );
        await BurstAsync(daemon);
        await daemon.EventsAsync(static e => e.Type == EventType.AccountCircuitOpened, 1);

        // What was under way when it opened may have asked too; after that each try is one connection, and a second or more apart.
        await FailuresAsync(daemon, 2);
        var before = _server.Connections;
        await FailuresAsync(daemon, 4);
        Assert.That(_server.Connections - before, Is.InRange(1, 3));

        _isDown = false;
        await daemon.EventsAsync(static e => e.Type == EventType.MessageSent, Burst);
        var told = await daemon.EventsAsync(static e => e.Type.Name().StartsWith("account.", StringComparison.Ordinal), 2);
        Assert.That(told.Select(static e => e.Type), Is.EqualTo(new[] { EventType.AccountCircuitOpened, EventType.AccountCircuitClosed }));
        Assert.That((await daemon.GetAsync("/v1/accounts/relay"))["circuit"]!.ToJsonString(), Is.EqualTo("""{"state":"closed"}"""));
        var attempts = await daemon.EventsAsync(static e => e.Type == EventType.MessageSent, Burst);
        Assert.That(attempts.Select(static e => e.Attempt), Is.All.EqualTo(1), "no attempt was lost");
        await daemon.StopAsync();
    }

    [Test]
    public async Task Down_TheAccountAndExplainSayWhy_AndARestartAsksNothing()
    {
        (string, string)[] patient = [("Report:AccountBackoffFirst", "01:00:00"), ("Report:AccountBackoffLongest", "01:00:00")];
        JsonNode before;
        string id;
        await using (var first = await StartAsync(patient))
        {
            id = (await BurstAsync(first))[0];
            await first.EventsAsync(static e => e.Type == EventType.AccountCircuitOpened, 1);
            before = (await first.GetAsync("/v1/accounts/relay"))["circuit"]!;
            Assert.That((string)before["state"]!, Is.EqualTo("open"));
            Assert.That((string)before["cause"]!, Is.EqualTo("connection"));
            Assert.That((string)before["last_reply"]!, Is.EqualTo("5.3.2 Down for the night"));
            var gate = (await first.GetAsync($"/v1/messages/{id}/explain"))["gates"]![0]!;
            Assert.That((string)gate["reason"]!, Is.EqualTo("account_backoff"));
            Assert.That((string)gate["until"]!, Is.EqualTo((string)before["until"]!));
            Assert.That((string)gate["detail"]!, Does.Contain("the circuit is open (connection): 5.3.2 Down for the night"));
            Assert.That(
                await first.Http.GetStringAsync("/metrics"),
                Does.Contain("mailproxy_account_circuits{state=\"open\",cause=\"connection\"} 1")
            );
            await first.StopAsync();
        }

        var asked = _server.Connections;
        _isDown = false;
        await using var second = await TestDaemon.StartAsync(_directory.Path, [.. patient]);
        var after = (await second.GetAsync("/v1/accounts/relay"))["circuit"]!;
        Assert.That(after.ToJsonString(), Is.EqualTo(before.ToJsonString()));
        await Eventually.BecomesAsync(
            () => second.GetAsync($"/v1/messages/{id}"),
            static message => (string?)message["waiting_for"]?["reason"] == "account_backoff"
        );
        Assert.That(_server.Connections, Is.EqualTo(asked));

        Assert.That(await second.SendAsync(HttpMethod.Post, "/v1/accounts/relay/circuit/reset"), Is.EqualTo(HttpStatusCode.OK));
        await second.EventsAsync(static e => e.Type == EventType.MessageSent, Burst);
        await second.StopAsync();
    }

    [TestCase("/v1/accounts/relay/resume")]
    [TestCase("/v1/accounts/relay/test")]
    [TestCase("/v1/dispatcher/run-now")]
    public async Task Down_APersonSaysThatItIsUp_EverythingGoes(string route)
    {
        await using var daemon = await StartAsync(("Report:AccountBackoffFirst", "01:00:00"), ("Report:AccountBackoffLongest", "01:00:00"));
        await BurstAsync(daemon);
        await daemon.EventsAsync(static e => e.Type == EventType.AccountCircuitOpened, 1);
        _isDown = false;

        Assert.That(await daemon.SendAsync(HttpMethod.Post, route), Is.EqualTo(HttpStatusCode.OK));

        await daemon.EventsAsync(static e => e.Type == EventType.MessageSent, Burst);
        await daemon.EventsAsync(static e => e.Type == EventType.AccountCircuitClosed, 1);
        await daemon.StopAsync();
    }

    [Test]
    public async Task Killed_TheCircuitIsThereAgain()
    {
        (string, string)[] patient =
        [
            ("REPORT__ACCOUNTBACKOFFFIRST", "01:00:00"),
            ("REPORT__ACCOUNTBACKOFFLONGEST", "01:00:00"),
            ("NETWORK__ALLOWED__0", "127.0.0.0/8"),
        ];
        string until;
        await using (var first = DaemonProcess.Start(_directory.Path, patient))
        {
            await first.ListeningAsync();
            using (await PutAsync(first)) { }
            using (await PostAsync(first)) { }
            until = await OpenAsync(first);
            await first.SignalAsync("KILL");
            await first.ExitAsync();
        }

        var asked = _server.Connections;
        await using var second = DaemonProcess.Start(_directory.Path, patient);
        await second.ListeningAsync();

        Assert.That(await OpenAsync(second), Is.EqualTo(until));
        Assert.That(_server.Connections, Is.EqualTo(asked));
    }

    private async Task<TestDaemon> StartAsync(params (string, string)[] settings)
    {
        var daemon = await TestDaemon.StartAsync(_directory.Path, settings);
        await daemon.PutAccountAsync("relay", _server.Port);
        return daemon;
    }

    private static Task<string[]> BurstAsync(TestDaemon daemon) =>
        Task.WhenAll(
            Enumerable
                .Range(0, Burst)
                .Select(n =>
                    daemon.PostAsync(
                        new
                        {
                            account = "relay",
                            from = "a@example.com",
                            to = $"b{n}@example.org",
                            text = "x",
                        }
                    )
                )
        );

    private static Task FailuresAsync(TestDaemon daemon, int count) =>
        Eventually.BecomesAsync(
            async () => (int?)(await daemon.GetAsync("/v1/accounts/relay"))["circuit"]!["failures"] ?? 0,
            failures => failures >= count,
            TestDaemon.Deadline
        );

    private Task<HttpResponseMessage> PutAsync(DaemonProcess daemon) =>
        SendAsync(daemon, HttpMethod.Put, "/v1/accounts/relay", $$"""{"host":"127.0.0.1","port":{{_server.Port}},"security":"none"}""");

    private static Task<HttpResponseMessage> PostAsync(DaemonProcess daemon) =>
        SendAsync(
            daemon,
            HttpMethod.Post,
            "/v1/messages",
            """{"account":"relay","from":"a@example.com","to":"b@example.org","text":"x"}"""
        );

    private static async Task<HttpResponseMessage> SendAsync(DaemonProcess daemon, HttpMethod method, string path, string json)
    {
        var answer = await daemon.Http.SendAsync(
            new(method, path) { Content = new StringContent(json, System.Text.Encoding.UTF8, "application/json") }
        );
        Assert.That(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return answer;
    }

    // Written behind, the event after the row.
    private static async Task<string> OpenAsync(DaemonProcess daemon)
    {
        await Eventually.BecomesAsync(
            async () => await daemon.Http.GetStringAsync("/v1/events"),
            static events => events.Contains("account.circuit_opened", StringComparison.Ordinal),
            TestDaemon.Deadline
        );
        var circuit = JsonNode.Parse(await daemon.Http.GetStringAsync("/v1/accounts/relay"))!["circuit"]!;
        Assert.That((string)circuit["state"]!, Is.EqualTo("open"));
        return (string)circuit["until"]!;
    }
}
