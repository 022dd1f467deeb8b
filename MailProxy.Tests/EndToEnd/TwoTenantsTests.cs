using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Two tenants that use the same ids for everything do not meet.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class TwoTenantsTests
{
    private static readonly (string, string) LoopbackAllowed = ("Network:Allowed:0", "127.0.0.0/8");

    private TempDirectory _directory = null!;

    [SetUp]
    public void Start() => _directory = new();

    [TearDown]
    public void Stop() => _directory.Dispose();

    [Test]
    public async Task SameIdsForEverything_EachHasItsOwn()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory, LoopbackAllowed);
        await using var acme = await TenantSide.StartAsync(daemon, "acme");
        await using var beta = await TenantSide.StartAsync(daemon, "beta");
        foreach (var side in (TenantSide[])[acme, beta])
        {
            await side.PutAsync(
                "/v1/accounts/main",
                new
                {
                    host = "127.0.0.1",
                    port = side.Smtp.Port,
                    security = "none",
                }
            );
            await side.PutAsync("/v1/webhooks/hook", new { url = side.Hook.Url });
            Assert.That(await side.PostAsync("order-1", "once"), Is.EqualTo((202, false)));
        }

        foreach (var side in (TenantSide[])[acme, beta])
        {
            await daemon.EventsAsync(e => e.Type == EventType.MessageSent, 1, tenant: side.Tenant);
            var events = (await side.Hook.NextAsync(2)).Select(hit => JsonNode.Parse(hit.Text)!["data"]!).ToArray();
            var message = await side.GetAsync("/v1/messages/order-1");
            using (Assert.EnterMultipleScope())
            {
                Assert.That(events.Select(e => ((string)e["tenant"]!, (string)e["message_id"]!)), Is.All.EqualTo((side.Tenant, "order-1")));
                Assert.That((string)message["subject"]!, Is.EqualTo($"for {side.Tenant}"));
                Assert.That(side.Smtp.Mails, Has.Count.EqualTo(1));
                Assert.That(
                    side.Smtp.Mails.Single().Text,
                    Does.Contain($"for {side.Tenant}").And.Contain($"X-Mail-Key: {side.Tenant}/order-1")
                );
                Assert.That((await side.GetAsync("/v1/messages"))["data"]!.AsArray(), Has.Count.EqualTo(1));
                Assert.That(await side.PostAsync("order-1", "once"), Is.EqualTo((202, true)));
            }
        }

        Assert.That(acme.Hook.Hits, Has.Count.EqualTo(2));
        Assert.That(beta.Hook.Hits, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task TenantSuspended_ItsMailWaitsWithANameAndTheOthersGoes()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await using var acme = await TenantSide.StartAsync(daemon, "acme");
        await using var beta = await TenantSide.StartAsync(daemon, "beta");
        foreach (var side in (TenantSide[])[acme, beta])
            await side.PutAsync("/v1/accounts/main", new { sandbox = true });
        await daemon.SendAsync(HttpMethod.Put, "/v1/tenants/acme", new { name = "acme", active = false });

        foreach (var side in (TenantSide[])[acme, beta])
            await side.PostAsync("one", null);
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent, 1, tenant: "beta");
        var waiting = await acme.GetAsync("/v1/messages/one");
        Assert.That(((string)waiting["status"]!, (string)waiting["waiting_for"]!["reason"]!), Is.EqualTo(("queued", "tenant_suspended")));
        Assert.That((int)await daemon.SendAsync(HttpMethod.Delete, "/v1/tenants/acme"), Is.EqualTo(409));

        await daemon.SendAsync(HttpMethod.Put, "/v1/tenants/acme", new { name = "acme" });
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent, 1, tenant: "acme");
    }

    [Test]
    public async Task BatchSuspended_ItsMailWaitsWithANameAndGoesWhenActivated()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await using var acme = await TenantSide.StartAsync(daemon, "acme");
        await using var beta = await TenantSide.StartAsync(daemon, "beta");
        foreach (var side in (TenantSide[])[acme, beta])
            await side.PutAsync("/v1/accounts/main", new { sandbox = true });
        await acme.ActAsync("/v1/batches/news/suspend");
        foreach (var side in (TenantSide[])[acme, beta])
            await side.PostAsync("one", null, batch: "news");
        await acme.PostAsync("two", null);
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent && e.MessageId == "one", 1, tenant: "beta");
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent && e.MessageId == "two", 1, tenant: "acme");

        var waiting = await acme.GetAsync("/v1/messages/one");
        Assert.That(((string)waiting["status"]!, (string)waiting["waiting_for"]!["reason"]!), Is.EqualTo(("queued", "batch_suspended")));
        Assert.That((await acme.GetAsync("/v1/messages?status=queued"))["data"]!.AsArray(), Has.Count.EqualTo(1));

        await acme.ActAsync("/v1/batches/news/activate");
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent && e.MessageId == "one", 1, tenant: "acme");
    }

    [Test]
    public async Task SameAccountId_LimitAndBackOffOfOneDoNotHoldTheOther()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory, LoopbackAllowed);
        await using var acme = await TenantSide.StartAsync(daemon, "acme");
        await using var beta = await TenantSide.StartAsync(daemon, "beta");
        await acme.PutAsync(
            "/v1/accounts/main",
            new
            {
                host = "127.0.0.1",
                port = acme.Smtp.Port,
                security = "none",
                limits = new { per_day = 1 },
            }
        );
        await beta.PutAsync(
            "/v1/accounts/main",
            new
            {
                host = "127.0.0.1",
                port = beta.Smtp.Port,
                security = "none",
            }
        );
        foreach (var id in (string[])["one", "two"])
            Assert.That((await acme.PostAsync(id, null)).Status, Is.EqualTo(202));
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent, 1, tenant: "acme");
        await Eventually.BecomesAsync(
            async () => (await acme.GetAsync("/v1/accounts/main")).ToJsonString(),
            account => account.Contains("account_limit")
        );

        foreach (var id in (string[])["one", "two", "three"])
            Assert.That((await beta.PostAsync(id, null)).Status, Is.EqualTo(202));
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent, 3, tenant: "beta");
        Assert.That((acme.Smtp.Mails.Count, beta.Smtp.Mails.Count), Is.EqualTo((1, 3)));

        // Of another account, which also has the id of the other's.
        acme.Smtp.Say("CONNECT", [.. Enumerable.Repeat("421 4.3.2 Not now", 20)]);
        foreach (var side in (TenantSide[])[acme, beta])
            await side.PutAsync(
                "/v1/accounts/spare",
                new
                {
                    host = "127.0.0.1",
                    port = side.Smtp.Port,
                    security = "none",
                }
            );
        foreach (var side in (TenantSide[])[acme, beta])
            Assert.That((await side.PostAsync("four", null, account: "spare")).Status, Is.EqualTo(202));
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent && e.MessageId == "four", 1, tenant: "beta");
        await Eventually.BecomesAsync(
            async () => (await acme.GetAsync("/v1/accounts/spare")).ToJsonString(),
            account => account.Contains("account_backoff")
        );
        Assert.That((await beta.GetAsync("/v1/accounts/spare")).ToJsonString(), Does.Not.Contain("waiting_for"));
        await daemon.StopAsync();
    }

    [Test]
    public async Task SameVolumeAndPath_EachCarriesItsOwnFileAndTheCacheToo()
    {
        await using var web = await LoopbackFiles.StartAsync();
        web.Answer = context => context.Response.WriteAsync($"the file of {context.Request.Path.Value!.Split('/')[1]}");
        await using var daemon = await TestDaemon.StartAsync(_directory, LoopbackAllowed);
        await using var acme = await TenantSide.StartAsync(daemon, "acme");
        await using var beta = await TenantSide.StartAsync(daemon, "beta");
        foreach (var side in (TenantSide[])[acme, beta])
        {
            await side.PutAsync(
                "/v1/accounts/main",
                new
                {
                    host = "127.0.0.1",
                    port = side.Smtp.Port,
                    security = "none",
                }
            );
            await side.PutAsync(
                "/v1/volumes/files",
                new { backend = "http", config = new { base_url = $"http://127.0.0.1:{web.Port}/{side.Tenant}/" } }
            );
            Assert.That((await side.PostAsync("one", null, source: "files:a.txt")).Status, Is.EqualTo(202));
        }

        foreach (var side in (TenantSide[])[acme, beta])
        {
            await daemon.EventsAsync(e => e.Type == EventType.MessageSent, 1, tenant: side.Tenant);
            using var raw = new MemoryStream(side.Smtp.Mails.Single().Data);
            var part = (MimeKit.MimePart)(await MimeKit.MimeMessage.LoadAsync(raw)).Attachments.Single();
            using var content = new StreamReader(part.Content!.Open());
            Assert.That(await content.ReadToEndAsync(), Is.EqualTo($"the file of {side.Tenant}"));
        }

        // What one tenant has fetched is no proof for another: it asks its own source, and that has something else.
        var hash = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData("the file of acme"u8));
        await beta.PostAsync("two", null, source: "files:a.txt", sha256: hash);
        await daemon.EventsAsync(e => e.Type == EventType.MessageFailed && e.MessageId == "two", 1, tenant: "beta");
        Assert.That(
            Directory.GetDirectories(Path.Combine(daemon.Data, "cache")).Select(Path.GetFileName),
            Is.SupersetOf(new[] { "acme", "beta" })
        );
        await daemon.StopAsync();
    }

    [Test]
    public async Task NamesOfAnother_AreUnknown()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await using var acme = await TenantSide.StartAsync(daemon, "acme");
        await using var beta = await TenantSide.StartAsync(daemon, "beta");
        await acme.PutAsync("/v1/accounts/theirs", new { sandbox = true });
        await acme.PutAsync("/v1/volumes/theirs", new { backend = "http", config = new { base_url = "https://files.example.com/" } });
        await beta.PutAsync("/v1/accounts/main", new { sandbox = true });

        Assert.That((await beta.PostAsync("one", null, account: "theirs")).Status, Is.EqualTo(422));
        Assert.That((await beta.PostAsync("one", null, source: "theirs:a.txt")).Status, Is.EqualTo(422));
        Assert.That((await beta.PostAsync("one", null)).Status, Is.EqualTo(202));
    }

    [Test]
    public async Task TenantsKey_HostThatIsNotPublic_IsNotConnectedTo()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await using var acme = await TenantSide.StartAsync(daemon, "acme");
        await acme.PutAsync(
            "/v1/accounts/main",
            new
            {
                host = "127.0.0.1",
                port = acme.Smtp.Port,
                security = "none",
            }
        );

        var tested = await acme.TestAsync("main");
        Assert.That(((bool)tested["ok"]!, (string)tested["stage"]!), Is.EqualTo((false, "connect")));
        Assert.That((string)tested["error"]!, Does.Contain("not allowed"));
        Assert.That(acme.Smtp.Connections, Is.Zero);
    }

    [Test]
    public async Task DefaultAccount_OfTheTenant_TakesMailThatNamesNone()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await using var acme = await TenantSide.StartAsync(daemon, "acme");
        foreach (var id in (string[])["a", "b"])
            await acme.PutAsync($"/v1/accounts/{id}", new { sandbox = true });
        await acme.PutAsync(
            "/v1/accounts/c",
            new
            {
                host = "smtp.example.com",
                port = 25,
                security = "none",
            }
        );
        await acme.PutAsync(
            "/v1/accounts/d",
            new
            {
                host = "smtp.example.com",
                port = 25,
                security = "none",
            }
        );
        Assert.That((await acme.PostAsync("two", null)).Status, Is.EqualTo(422));

        await daemon.SendAsync(HttpMethod.Put, "/v1/tenants/acme", new { name = "acme", default_account = "b" });
        Assert.That((await acme.PostAsync("two", null)).Status, Is.EqualTo(202));
        Assert.That((string)(await acme.GetAsync("/v1/messages/two"))["account"]!, Is.EqualTo("b"));
    }
}
