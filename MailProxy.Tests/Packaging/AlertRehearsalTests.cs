using System.Globalization;
using System.Net.Http.Json;
using System.Reflection;
using System.Text.RegularExpressions;
using MailProxy.Tests.EndToEnd;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>
/// Each alert of <c>packaging/prometheus/alerts.yaml</c>, brought about in a real daemon: what its <c>/metrics</c> says raises that alert
/// and no other, and what it said before raises none. A test is named after the alert or alerts, with what is wrong behind it.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed partial class AlertRehearsalTests
{
    private const int Nobody = 1;
    private const string AnHourAgo = "- 3600000";

    private TempDirectory _directory = null!;

    [SetUp]
    public void MakeDirectory() => _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public void Alerts_Each_AreRehearsed()
    {
        var rules = File.ReadAllText(Repository.File("packaging/prometheus/alerts.yaml"));
        var tests = new[] { typeof(AlertRehearsalTests), typeof(NodeAlertRehearsalTests) }
            .SelectMany(static fixture => fixture.GetMethods())
            .Where(static method => method.GetCustomAttribute<TestAttribute>() is not null)
            .SelectMany(static method => method.Name.Split('_')[0].Split("And"))
            .Select(static alert => "MailProxy" + alert)
            .ToHashSet();
        var alerts = AlertName().Matches(rules).Select(static match => match.Groups[1].Value).ToArray();
        Assert.That(alerts, Is.Not.Empty.And.SubsetOf(tests));
    }

    [Test]
    public async Task Down_ProcessIsKilled()
    {
        await using var daemon = await HealthyAsync();
        await daemon.Process.SignalAsync("KILL");
        await daemon.Process.ExitAsync();
        await daemon.Scrapes.TakeAsync(daemon.Process.Http);
        await daemon.Scrapes.FireAsync(3, "MailProxyDown");
    }

    [Test]
    public async Task Restarts_ThreeWithinHalfAnHour()
    {
        await using var daemon = await HealthyAsync();
        for (var start = 0; start < 3; start++)
        {
            await daemon.StartAgainAsync();
            await daemon.Scrapes.TakeAsync(daemon.Process.Http);
        }

        await daemon.Scrapes.FireAsync(0, "MailProxyRestarts");
    }

    [Test]
    public async Task Sheds_DiskIsLow()
    {
        await using var disk = await TmpfsMount.MakeAsync(64);
        await using var daemon = await HealthyAsync(disk.Data, ("INGEST__MINFREEBYTES", "16000000"));
        disk.Fill();
        disk.Free(8);
        await daemon.RefusedAsync("disk_low");
        await daemon.SeesAsync("mailproxy_submissions_shed_total{reason=\"disk_low\"", static shed => shed >= 1);
        await daemon.RefusedAsync("disk_low");
        await daemon.SeesAsync("mailproxy_submissions_shed_total{reason=\"disk_low\"", static shed => shed >= 2);
        await daemon.Scrapes.FireAsync(8, "MailProxySheds");
    }

    [Test]
    public async Task OverdueAndLate_ServerHangs()
    {
        await using var daemon = await HealthyAsync();
        daemon.Server.Say("MAIL", [.. Enumerable.Repeat(ScriptedSmtpServer.Hang, 10)]);
        for (var n = 0; n < 10; n++)
            await daemon.PostAsync($"late-{n}");
        await daemon.Server.Seen("MAIL", 2);

        // The server holds one message, and the others have been waiting behind it for an hour. For a minute the start excuses them.
        daemon.Change($"UPDATE messages SET created_at = created_at {AnHourAgo}");
        await daemon.SeesAsync("mailproxy_queue_overdue", static late => late > 0, TimeSpan.FromMinutes(2));
        await daemon.Scrapes.FireAsync(6, "MailProxyOverdue");
        await daemon.Scrapes.FireAsync(12, "MailProxyOverdue", "MailProxyLate");
    }

    [Test]
    public async Task AccountInTrouble_NobodyListens()
    {
        await using var daemon = await HealthyAsync();
        await daemon.PutAccountAsync("relay", Nobody);
        await daemon.PostAsync("second");
        await daemon.SeesAsync("mailproxy_account_backing_off{", static off => off == 1);
        await daemon.Scrapes.FireAsync(16, "MailProxyAccountInTrouble");
    }

    [Test]
    public async Task LogInRefused_PasswordIsWrong()
    {
        await using var server = new ScriptedSmtpServer(static heard => heard.Verb == "AUTH" ? "535 5.7.8 no" : null);
        server.Extensions.Add("AUTH PLAIN");
        await using var daemon = await HealthyAsync();
        await daemon.PutAccountAsync("relay", server.Port, new { user = "u", password = "wrong" });
        await daemon.PostAsync("second");
        await daemon.SeesAsync("mailproxy_account_circuits_opened_total{cause=\"authentication\"", static opened => opened >= 1);
        await daemon.Scrapes.FireAsync(1, "MailProxyLogInRefused");
    }

    [Test]
    public async Task TokenRefused_ConsentWasWithdrawn()
    {
        const string Refusal = """{"error":"invalid_grant"}""";
        await using var endpoint = new ScriptedHttpServer(
            $"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {Refusal.Length}\r\n\r\n{Refusal}"
        );
        await using var server = new ScriptedSmtpServer();
        server.Extensions.Add("AUTH XOAUTH2");
        await using var daemon = await RehearsedDaemon.StartAsync(Data);
        var oauth2 = new
        {
            token_url = $"http://127.0.0.1:{endpoint.Port}/token",
            client_id = "c",
            client_secret = "s",
            refresh_token = "r",
        };
        await daemon.PutAccountAsync("cloud", server.Port, new { user = "u@example.com", oauth2 });
        await daemon.HealthyAsync();
        await daemon.PostAsync("second", "cloud");
        await daemon.SeesAsync("mailproxy_account_circuits_opened_total{cause=\"authentication\"", IsThere); // behind the refused request
        await daemon.Scrapes.FireAsync(1, "MailProxyTokenRefused", "MailProxyLogInRefused");
    }

    [Test]
    public async Task SecretExpires_InTenDays()
    {
        await using var daemon = await HealthyAsync();
        var ends = TimeProvider.System.GetUtcNow().AddDays(10).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        await daemon.PutAccountAsync("relay", daemon.Server.Port, new { user = "u", password = "p" }, ends);
        await daemon.SeesAsync("mailproxy_account_secret_expires_timestamp_seconds", static end => end > 0);
        await daemon.Scrapes.FireAsync(61, "MailProxySecretExpires");
    }

    [Test]
    public async Task InDoubt_ServerHangsUpBehindTheBody()
    {
        await using var daemon = await HealthyAsync();
        daemon.Server.Say("DOT", ScriptedSmtpServer.Drop);
        await daemon.PostAsync("second");
        await daemon.SeesAsync("mailproxy_attempts_total{tenant=\"default\",account=\"relay\",outcome=\"in_doubt\"", IsThere);
        await daemon.Scrapes.FireAsync(1, "MailProxyInDoubt");
    }

    [Test]
    public async Task Fails_ServerKnowsNobody()
    {
        const int Many = 25;
        await using var daemon = await HealthyAsync();
        daemon.Server.Say("RCPT", [.. Enumerable.Repeat("550 5.1.1 no such user", Many)]);
        for (var n = 0; n < Many; n++)
            await daemon.PostAsync($"bad-{n}");
        await daemon.SeesAsync("mailproxy_messages_failed_total{tenant=\"default\",account=\"relay\"", static failed => failed >= Many);
        await daemon.Scrapes.FireAsync(6, "MailProxyFails");
    }

    [Test]
    public async Task WebhookBehind_ReceiverWasGoneForAnHour()
    {
        await using var daemon = await RehearsedDaemon.StartAsync(Data);
        await daemon.CallAsync(HttpMethod.Put, "/v1/webhooks/shop", new { url = $"http://127.0.0.1:{Nobody}/hook" });
        await daemon.HealthyAsync();
        await daemon.PostAsync("second");
        await daemon.Process.UntilAsync("second", "sent");
        await daemon.StartAgainAsync($"UPDATE events SET at = at {AnHourAgo}");
        await daemon.SeesAsync("mailproxy_report_lag_seconds{tenant=\"default\",endpoint=\"shop\"", static lag => lag > 3000);
        await daemon.Scrapes.FireAsync(11, "MailProxyWebhookBehind");
    }

    [Test]
    public async Task Suspended_ByAPerson()
    {
        await using var daemon = await HealthyAsync();
        await daemon.CallAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        await daemon.SeesAsync("mailproxy_sending_suspended", static suspended => suspended == 1);
        await daemon.Scrapes.FireAsync(31, "MailProxySuspended");
    }

    [Test]
    public async Task StoreFails_DiskIsFull()
    {
        await using var disk = await TmpfsMount.MakeAsync(32);
        await using var daemon = await HealthyAsync(disk.Data, ("INGEST__MINFREEBYTES", "0"));
        disk.Fill();
        await daemon.RefusedAsync("store_unavailable");
        await daemon.SeesAsync("mailproxy_store_commit_failures_total", static failures => failures >= 1);
        await daemon.Scrapes.FireAsync(1, "MailProxyStoreFails");
    }

    [Test]
    public async Task StoreSlow_AnotherProgramHoldsTheDatabase()
    {
        await using var daemon = await HealthyAsync();
        for (var turn = 1; turn <= 2; turn++)
        {
            using var other = daemon.Open();
            using var command = other.CreateCommand();
            command.CommandText = "BEGIN IMMEDIATE";
            command.ExecuteNonQuery();
            var began = TimeProvider.System.GetTimestamp();
            var posted = daemon.PostAsync($"slow-{turn}");
            await Eventually.BecomesAsync(
                () => Task.FromResult(TimeProvider.System.GetElapsedTime(began)),
                static held => held > TimeSpan.FromSeconds(2.5)
            );
            command.CommandText = "COMMIT";
            command.ExecuteNonQuery();
            await posted;
            await daemon.Process.UntilAsync($"slow-{turn}", "sent");
            await daemon.Scrapes.TakeAsync(daemon.Process.Http);
        }

        await daemon.Scrapes.FireAsync(12, "MailProxyStoreSlow");
    }

    [Test]
    public async Task LogDropped_NobodyReadsIt()
    {
        var url = new Uri($"http://127.0.0.1:{FreePort.Take()}");
        await using var process = DaemonProcess.StartUnread(Data, url, ("LOG__LEVEL", "Verbose"));
        await Eventually.BecomesAsync(process.IsReadyAsync, static ready => ready);
        var scrapes = new RehearsedScrapes();
        await scrapes.TakeAsync(process.Http);
        var mail = new
        {
            from = "a@example.com",
            to = "perm@example.com",
            text = "x",
        };
        for (var posted = 0; posted < 6000; posted += 500)
        {
            using var answer = await process.Http.PostAsJsonAsync("/v1/messages/batch", new { messages = Enumerable.Repeat(mail, 500) });
            Assert.That(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        }

        await scrapes.TakeAsync(process.Http, "mailproxy_log_lines_dropped_total", static dropped => dropped >= 1);
        await scrapes.FireAsync(1, "MailProxyLogDropped");
    }

    private string Data => Path.Combine(_directory, "data");

    private static bool IsThere(double value) => value >= 1;

    private Task<RehearsedDaemon> HealthyAsync() => HealthyAsync(Data);

    private static async Task<RehearsedDaemon> HealthyAsync(string data, params (string, string)[] settings)
    {
        var daemon = await RehearsedDaemon.StartAsync(data, settings);
        await daemon.HealthyAsync();
        return daemon;
    }

    [GeneratedRegex("alert: (\\w+)")]
    private static partial Regex AlertName();
}
