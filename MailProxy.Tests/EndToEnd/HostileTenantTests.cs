using System.Net;
using System.Net.Sockets;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>
/// A tenant whose servers, sources and endpoints hang takes its own part and no more: its neighbour's urgent mail is delivered while
/// everything hangs still.
/// </summary>
[TestFixture]
internal sealed class HostileTenantTests
{
    private const int Half = 128;

    private TempDirectory _directory = null!;
    private TestDaemon _daemon = null!;
    private TenantClient _mallory = null!,
        _victim = null!;
    private ScriptedSmtpServer _good = null!;

    [TearDown]
    public async Task StopAsync()
    {
        _mallory.Dispose();
        _victim.Dispose();
        await _daemon.DisposeAsync();
        await _good.DisposeAsync();
        _directory.Dispose();
    }

    [TestCase("CONNECT")]
    [TestCase("EHLO")]
    [TestCase("HANDSHAKE")]
    [TestCase("MAIL")]
    [TestCase("RCPT")]
    [TestCase("DATA")]
    [TestCase("DOT")]
    public async Task Tarpits_OfFiveAccounts_LeaveTheNeighbourItsPart(string phase)
    {
        await StartAsync();
        await using var tarpit = new ScriptedSmtpServer { ImplicitTls = phase == "HANDSHAKE" };
        tarpit.Say(phase, [.. Enumerable.Repeat(ScriptedSmtpServer.Hang, 1000)]);
        for (var i = 0; i < 5; i++)
            await _mallory.PutAccountAsync($"tar{i}", tarpit.Port, phase == "HANDSHAKE" ? "tls" : "none", 100);
        await _mallory.PostAsync(600, i => new { id = $"m{i}", account = $"tar{i % 5}" });
        await HoldsAsync("attempts", Half);
        await tarpit.Seen(phase, Half);

        await _victim.PostAsync("urgent", "good");
        await _victim.UntilAsync("urgent", EventType.MessageSent);
        Assert.That((await _mallory.ShareAsync("attempts")).Held, Is.EqualTo(Half), "all of it hangs still");

        await _mallory.PostAsync("late", "tar0", "low");
        var waits = await Eventually.BecomesAsync(
            () => _mallory.GetAsync("/v1/messages/late"),
            m => (string?)m["waiting_for"]?["reason"] == "tenant_share"
        );
        Assert.That((string)waits["waiting_for"]!["detail"]!, Does.Contain("128 attempts").And.Contain("Schedule:InFlight"));
        Assert.That((await _victim.GetAsync("/v1/accounts/good"))["waiting_for"], Is.Null);
    }

    [Test]
    public async Task ConnectionsThatAreNeverAccepted_LeaveTheNeighbourItsPart()
    {
        await StartAsync();
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        silent.Listen(1);
        for (var i = 0; i < 5; i++)
            await _mallory.PutAccountAsync($"tar{i}", ((IPEndPoint)silent.LocalEndPoint!).Port, "none", 100);
        await _mallory.PostAsync(600, i => new { id = $"m{i}", account = $"tar{i % 5}" });
        await HoldsAsync("attempts", Half);

        await _victim.PostAsync("urgent", "good");
        await _victim.UntilAsync("urgent", EventType.MessageSent);
        Assert.That((await _mallory.ShareAsync("attempts")).Held, Is.EqualTo(Half));
    }

    [Test]
    public async Task Accounts_SixHundredWithUrgentMail_TakeTurnsAsOneTenant()
    {
        await StartAsync(("Tenants:MaxAccounts", "1000"), ("Tenants:ChangesPerMinute", "10000"));
        await using var sink = new ScriptedSmtpServer();
        for (var i = 0; i < 600; i++)
            await _mallory.PutAccountAsync($"a{i}", sink.Port);
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        await _mallory.PostAsync(
            6_000,
            i => new
            {
                id = $"m{i}",
                account = $"a{i % 600}",
                priority = "immediate",
            }
        );
        await _victim.PostAsync("urgent", "good");
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");

        await _victim.UntilAsync("urgent", EventType.MessageSent);
        var sent = await _daemon.EventsAsync(static e => e.Type == EventType.MessageSent, 0, tenant: "mallory");
        Assert.That(sent, Has.Count.LessThan(3_000), "it went long before the six thousand, and not after them");
    }

    [Test]
    public async Task BodiesAtAServerThatReadsNothing_LeaveTheNeighbourCapacity()
    {
        await StartAsync(("Resolve:BodyBytes", "4000000"));
        await using var slow = new ScriptedSmtpServer();
        slow.Say("BODY", [.. Enumerable.Repeat(ScriptedSmtpServer.Hang, 100)]);
        await _mallory.PutAccountAsync("slow", slow.Port, "none", 100);
        var content = Convert.ToBase64String(new byte[9_000_000]);
        await _mallory.PostAsync("huge", "slow", "high", new { filename = "a.bin", content });
        await slow.Seen("BODY");
        for (var i = 0; i < 8; i++)
            await _mallory.PostAsync($"m{i}", "slow", "low", new { filename = "a.bin", content = content[..200_000] });
        await Eventually.BecomesAsync(() => _mallory.ShareAsync("body_bytes"), share => share.Held >= 1_000_000);

        await _victim.PostAsync("urgent", "good", "immediate", new { filename = "b.bin", content = content[..200_000] });
        await _victim.UntilAsync("urgent", EventType.MessageSent);
        var (held, allowed) = await _mallory.ShareAsync("body_bytes");
        Assert.That(held, Is.GreaterThan(0).And.LessThanOrEqualTo(allowed));
    }

    [Test]
    public async Task DrippingSources_LeaveTheNeighbourItsFetches()
    {
        await StartAsync();
        await using var good = await LoopbackFiles.StartAsync();
        good.Answer = static context => context.Response.Body.WriteAsync(new byte[1000]).AsTask();
        var drips = new List<LoopbackFiles>();
        for (var i = 0; i < 4; i++)
            drips.Add(await DripAsync());
        await _mallory.PutAccountAsync("any", _good.Port);
        await _mallory.PostAsync(
            64,
            i => new
            {
                id = $"m{i}",
                account = "any",
                attachments = Source($"http://127.0.0.1:{drips[i % 4].Port}/{i}"),
            }
        );
        await HoldsAsync("fetches", 16);
        await Eventually.BecomesAsync(() => Task.FromResult(drips.Sum(static d => d.Requests.Count)), static asked => asked == 16);

        await _victim.PostAsync("urgent", "good", "immediate", Source($"http://127.0.0.1:{good.Port}/a"));
        await _victim.UntilAsync("urgent", EventType.MessageSent);
        Assert.That((await _mallory.ShareAsync("fetches")).Held, Is.EqualTo(16), "all of it drips still");
        foreach (var drip in drips)
            await drip.DisposeAsync();
    }

    [Test]
    public async Task MailBehindOneDrippingSource_LeavesTheNeighbourPlacesToWait()
    {
        await StartAsync(("Resolve:SetAside", "100"), ("Report:PostponeSeconds", "3600"));
        await using var drip = await DripAsync();
        await using var good = await LoopbackFiles.StartAsync();
        var (asked, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        good.Answer = async context =>
        {
            asked.TrySetResult();
            await go.Task;
            await context.Response.Body.WriteAsync(new byte[1000]);
        };
        await _mallory.PutAccountAsync("any", _good.Port);
        await _mallory.PostAsync(
            200,
            i => new
            {
                id = $"m{i}",
                account = "any",
                attachments = Source($"http://127.0.0.1:{drip.Port}/{i}"),
            }
        );
        await HoldsAsync("set_aside", 50);
        var put = await _daemon.EventsAsync(static e => e.Type == EventType.MessageDeferred, 150, tenant: "mallory");
        Assert.That(
            System.Text.Encoding.UTF8.GetString(put[0].Detail.Span),
            Does.Contain("50 attachments of this tenant").And.Contain("Resolve:SetAside")
        );

        await _victim.PostAsync("urgent", "good", "immediate", Source($"http://127.0.0.1:{good.Port}/a"));
        await asked.Task.WaitAsync(TestDaemon.Deadline);
        go.SetResult();
        await _victim.UntilAsync("urgent", EventType.MessageSent);
        Assert.That((await _mallory.ShareAsync("set_aside")).Held, Is.EqualTo(50));
        var waits = await WaitsAsync("queued");
        Assert.That(waits, Has.Exactly(50).Items.EqualTo("attachments"));
        Assert.That(await WaitsAsync("deferred"), Has.Exactly(150).Items.EqualTo("retry"));
    }

    [Test]
    public async Task WebhooksThatHang_LeaveTheNeighbourItsRequests()
    {
        await StartAsync(("Report:WebhookRequests", "16"));
        await using var hanging = await LoopbackWebhook.StartAsync();
        hanging.Hang();
        await using var hook = await LoopbackWebhook.StartAsync();
        for (var i = 0; i < 4; i++)
            await _mallory.PutAsync($"/v1/webhooks/w{i}", new { url = hanging.Url });
        await _victim.PutAsync("/v1/webhooks/w", new { url = hook.Url });
        await _mallory.PutAccountAsync("any", _good.Port);
        await _mallory.PostAsync(40, i => new { id = $"m{i}", account = "any" });
        await HoldsAsync("webhook_requests", 8);
        await Eventually.BecomesAsync(() => Task.FromResult(hanging.Hits.Count), static hits => hits == 8);

        await _victim.PostAsync("urgent", "good");
        Assert.That((await hook.NextAsync(2)).Select(static hit => hit.Text), Has.One.Contains("message.sent"));
        Assert.That((await _mallory.ShareAsync("webhook_requests")).Held, Is.EqualTo(8));
    }

    [Test]
    public async Task Metrics_SayWhoseShareWasReached_ByWhatAndNotByWhom()
    {
        await StartAsync(("Schedule:InFlight", "8"));
        await using var tarpit = new ScriptedSmtpServer();
        tarpit.Say("EHLO", [.. Enumerable.Repeat(ScriptedSmtpServer.Hang, 100)]);
        for (var i = 0; i < 5; i++)
            await _mallory.PutAccountAsync($"tar{i}", tarpit.Port);
        await _mallory.PostAsync(20, i => new { id = $"m{i}", account = $"tar{i % 5}" });
        await HoldsAsync("attempts", 4);

        var metrics = await Eventually.BecomesAsync(
            () => _daemon.Http.GetStringAsync("/metrics"),
            static text => text.Contains("mailproxy_tenant_shares_refused_total{share=\"attempts\"} 1", StringComparison.Ordinal)
        );
        Assert.That(
            metrics.Split('\n').Where(static line => line.StartsWith("mailproxy_tenant_shares_refused_total{", StringComparison.Ordinal)),
            Has.None.Contains("mallory")
        );
    }

    private static object[] Source(string address) => [new { filename = "f.bin", source = address }];

    private static async Task<LoopbackFiles> DripAsync()
    {
        var drip = await LoopbackFiles.StartAsync();
        drip.Answer = static async context =>
        {
            context.Response.ContentLength = 1_000_000;
            await context.Response.Body.WriteAsync(new byte[1]);
            await context.Response.Body.FlushAsync();
            var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = context.RequestAborted.Register(() => gone.TrySetResult());
            await gone.Task;
        };
        return drip;
    }

    private async Task StartAsync(params (string, string)[] settings)
    {
        _directory = new();
        _good = new();
        _daemon = await TestDaemon.StartAsync(_directory, [("Network:Allowed:0", "127.0.0.0/8"), .. settings]);
        _mallory = await TenantClient.MakeAsync(_daemon, "mallory");
        _victim = await TenantClient.MakeAsync(_daemon, "victim");
        await _victim.PutAccountAsync("good", _good.Port);
    }

    private async Task<string?[]> WaitsAsync(string status) =>
        [
            .. (await _mallory.GetAsync($"/v1/messages?status={status}&limit=500"))["data"]!
                .AsArray()
                .Select(static m => (string?)m!["waiting_for"]?["reason"]),
        ];

    private Task HoldsAsync(string share, long held) =>
        Eventually.BecomesAsync(() => _mallory.ShareAsync(share), seen => seen.Held == held);
}
