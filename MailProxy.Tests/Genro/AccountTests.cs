using System.Net;
using System.Text.Json.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>SMTP accounts.</summary>
internal sealed class AccountTests : GenroFixture
{
    private string _key = null!;

    [SetUp]
    public async Task Prepare() => _key = await MakeTenantAsync("acme");

    [Test]
    public async Task Account_Written_IsReadWithoutItsPassword()
    {
        await MakeAccountAsync(
            "acme",
            "_Main",
            new
            {
                user = "u",
                password = "s3cr3t",
                limit_per_minute = 3,
                limit_per_hour = 0,
                batch_size = 5,
                is_pec_account = false,
                imap_host = "imap.example.com",
                imap_password = "s3cr3t",
            }
        );
        var (status, answer) = await GetAsync("/accounts?tenant_id=acme");
        var account = answer!["accounts"]!.AsArray().Single()!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(
                ((string?)account["id"], (string?)account["tenant_id"], (string?)account["host"], (int)account["port"]!),
                Is.EqualTo(("_Main", "acme", "127.0.0.1", _smtp.Port))
            );
            Assert.That(((string?)account["user"], (int)account["ttl"]!, (int)account["batch_size"]!), Is.EqualTo(("u", 300, 5)));
            Assert.That(((int)account["limit_per_minute"]!, (string?)account["limit_behavior"]), Is.EqualTo((3, "defer")));
            Assert.That((string?)account["imap_host"], Is.EqualTo("imap.example.com"));
            Assert.That((string?)account["created_at"], Does.Match(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$"));
            Assert.That(account["updated_at"], Is.Not.Null);
            Assert.That(answer.ToJsonString(), Does.Not.Contain("s3cr3t"));
        }
    }

    [TestCase(465, true, "tls")]
    [TestCase(465, null, "tls")]
    [TestCase(465, false, "none")]
    [TestCase(587, true, "starttls")]
    [TestCase(587, false, "none")]
    [TestCase(25, null, "none")]
    public async Task UseTls_ByPort_IsThisSecurity(int port, bool? useTls, string security)
    {
        await PostAsync(
            "/account",
            new
            {
                id = "a",
                tenant_id = "acme",
                host = "smtp.example.com",
                port,
                use_tls = useTls,
            }
        );
        using var http = _daemon.As(_key);
        var account = JsonNode.Parse(await http.GetStringAsync("/v1/accounts/a"))!;
        Assert.That((string?)account["security"], Is.EqualTo(security));
        Assert.That((string?)account["limits"]?["count"], Is.EqualTo("messages"));
        Assert.That((long)account["expires_after"]!, Is.EqualTo(365 * 86_400));
        Assert.That(account["retry_minutes"]!.ToJsonString(), Is.EqualTo("[1,5,15,60,120]"));
    }

    [Test]
    public async Task Account_WrittenAgain_IsReplaced()
    {
        await MakeAccountAsync("acme", more: new { limit_per_hour = 7 });
        await MakeAccountAsync("acme", more: new { ttl = 9 });
        var account = (await GetAsync("/accounts?tenant_id=acme")).Body!["accounts"]!.AsArray().Single()!;
        Assert.That(((int)account["ttl"]!, account["limit_per_hour"]), Is.EqualTo((9, (JsonNode?)null)));
    }

    [Test]
    public async Task Account_ByTheTenantsOwnToken_IsMadeInItsTenant()
    {
        var (status, _) = await PostAsync(
            "/account",
            new
            {
                id = "a",
                host = "smtp.example.com",
                port = "587",
            },
            _key
        );
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
        var (refused, answer) = await PostAsync(
            "/account",
            new
            {
                id = "a",
                tenant_id = "other",
                host = "smtp.example.com",
                port = 587,
            },
            _key
        );
        Assert.That(((int)refused, (string?)answer!["detail"]), Is.EqualTo((401, "Token not authorized for this tenant")));
        Assert.That((await GetAsync("/accounts", _key)).Body!["accounts"]!.AsArray(), Has.Count.EqualTo(1));
    }

    [TestCase("""{"tenant_id":"acme","host":"h","port":25}""", "id")]
    [TestCase("""{"id":"a","tenant_id":"acme","port":25}""", "host")]
    [TestCase("""{"id":"a","tenant_id":"acme","host":"h"}""", "port")]
    [TestCase("""{"id":"a","tenant_id":"acme","host":"h","port":"x"}""", "port")]
    [TestCase("""{"id":"a","tenant_id":"acme","host":"h","port":70000}""", "port")]
    [TestCase("""{"id":"a","tenant_id":"acme","host":"h","port":25,"limit_behavior":"drop"}""", "limit_behavior")]
    [TestCase("""{"id":"a","host":"h","port":25}""", "tenant_id")]
    public async Task Account_WithAMistake_IsInvalid(string body, string member)
    {
        var (status, answer) = await PostAsync("/account", body);
        Assert.That(((int)status, (string?)answer!["detail"]![0]!["loc"]![1]), Is.EqualTo((422, member)), answer.ToJsonString());
    }

    [Test]
    public async Task Accounts_OfAnUnknownTenant_AreNone()
    {
        var (status, answer) = await GetAsync("/accounts?tenant_id=none");
        Assert.That((status, answer!.ToJsonString()), Is.EqualTo((HttpStatusCode.OK, """{"ok":true,"accounts":[]}""")));
        Assert.That((int)(await GetAsync("/accounts")).Status, Is.EqualTo(422));
    }

    [Test]
    public async Task Deletion_OfAnUnknownAccount_IsRefused()
    {
        var (status, answer) = await CallAsync(HttpMethod.Delete, "/account/none?tenant_id=acme");
        Assert.That(((int)status, (string?)answer!["detail"]), Is.EqualTo((400, "account not found or not owned by tenant")));
    }

    [Test]
    public async Task Deletion_WithWaitingMail_FailsItAndReports()
    {
        await MakeAccountAsync("acme");
        await QueueAsync(Message("m", "acme", new { deferred_ts = 4_000_000_000 }));
        Assert.That(
            (await CallAsync(HttpMethod.Delete, "/account/main?tenant_id=acme")).Body!.ToJsonString(),
            Is.EqualTo("""{"ok":true}""")
        );
        var entry = (await ReportAsync()).Single();
        Assert.That(entry.Select(static one => one.Key), Is.EquivalentTo(new[] { "id", "error_ts", "error" }));
        Assert.That((await RowsAsync("acme")).Single()["error_ts"], Is.Not.Null);
        Assert.That((await GetAsync("/accounts?tenant_id=acme")).Body!["accounts"]!.AsArray(), Is.Empty);
    }
}
