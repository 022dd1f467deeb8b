using System.Net;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro.Import;

/// <summary>Tenants, their keys and their batches, as the routes show them afterwards.</summary>
[TestFixture]
internal sealed class TenantImportTests : ImportFixture
{
    [Test]
    public async Task Tenant_WithEverything_IsShownAsItWas()
    {
        using (var old = Old())
        {
            AddTenant(
                old,
                "_Acme",
                ("name", "Acme & Söhne"),
                ("client_base_url", "https://app.example.com/x/"),
                ("client_sync_path", "/sync"),
                ("client_auth", """{"method":"basic","user":"u","password":"p"}"""),
                ("rate_limits", """{"hourly":100,"daily":1000}"""),
                ("large_file_config", """{"enabled":true,"max_size_mb":5,"action":"rewrite","storage_url":"s3://bucket/big"}"""),
                ("active", 0)
            );
        }

        await ImportAsync();
        await using var daemon = await StartAsync();
        Assert.That(
            (await daemon.GetAsync("/tenant/_Acme")).ToJsonString(),
            Is.EqualTo(
                JsonNode
                    .Parse(
                        """
                        {"id":"_Acme","name":"Acme & Söhne","client_base_url":"https://app.example.com/x/","client_sync_path":"/sync",
                        "active":false,"client_auth":{"method":"basic","user":"u"},"rate_limits":{"hourly":100,"daily":1000},
                        "large_file_config":{"enabled":true,"max_size_mb":5,"action":"rewrite","file_ttl_days":30,
                        "storage_url":"s3://bucket/big"}}
                        """
                    )!
                    .ToJsonString()
            )
        );
        var webhook = await daemon.OwnAsync("/webhooks/genro", "_Acme");
        Assert.That((string)webhook["id"]!, Is.EqualTo("genro"));
        Assert.That((string)webhook["style"]!, Is.EqualTo("genro"));
        Assert.That((bool)webhook["empty_reports"]!, Is.False, "an inactive tenant is not called for nothing");
    }

    [TestCase(null, HttpStatusCode.OK)]
    [TestCase("2099-01-01 00:00:00", HttpStatusCode.OK)]
    [TestCase("2020-01-01T00:00:00+00:00", HttpStatusCode.Unauthorized)]
    [TestCase("1577836800", HttpStatusCode.Unauthorized)]
    [TestCase("some day", HttpStatusCode.Unauthorized)]
    public async Task Token_GoesOnWorkingUntilItExpires(string? expires, HttpStatusCode status)
    {
        using (var old = Old())
            AddTenant(old, "acme", ("api_key_hash", OldDatabase.HashOf(Token)), ("api_key_expires_at", expires));
        await ImportAsync();
        await using var daemon = await StartAsync();
        Assert.That((await daemon.CallAsync(HttpMethod.Get, "/messages?tenant_id=acme", null, Token)).Status, Is.EqualTo(status));
        Assert.That(
            (await daemon.CallAsync(HttpMethod.Get, "/messages?tenant_id=default", null, Token)).Status,
            Is.EqualTo(HttpStatusCode.Unauthorized)
        );
    }

    [Test]
    public async Task Keys_OfOneHash_AreTheFirstOnes()
    {
        using (var old = Old())
        {
            AddTenant(old, "one", ("api_key_hash", OldDatabase.HashOf(Token)));
            AddTenant(old, "two", ("api_key_hash", OldDatabase.HashOf(Token).ToUpperInvariant()));
            AddTenant(old, "three", ("api_key_hash", "secret"));
        }

        var tally = await ImportAsync();
        Assert.That(tally.Of("keys"), Is.EqualTo(1));
        Assert.That(
            LeftOut(tally, "key"),
            Is.EqualTo(new[] { "two: another tenant has the same: make a new one", "three: it is no SHA-256: make a new one" })
        );
    }

    [Test]
    public async Task Suspended_BatchesAndTenants_HoldWhatIsImported()
    {
        using (var old = Old())
        {
            AddTenant(old, "acme", ("suspended_batches", "Spring, an odd code!,"));
            AddAccount(old);
            AddTenant(old, "all", ("suspended_batches", "*"));
            AddMessage(old, "held", null, ("batch_code", "an odd code!"));
        }

        var tally = await ImportAsync();
        Assert.That(tally.Of("suspended batches"), Is.EqualTo(2));
        await using var daemon = await StartAsync();
        var answer = await daemon.PostAsync("/commands/suspend?tenant_id=acme&batch_code=Spring", new { });
        Assert.That(answer["suspended_batches"]!.ToJsonString(), Is.EqualTo("""["Spring","an odd code!"]"""));
        answer = await daemon.PostAsync("/commands/activate?tenant_id=all", new { });
        Assert.That(answer["suspended_batches"]!.AsArray(), Is.Empty);
        var row = (await daemon.RowsAsync())["held"];
        Assert.That((string)row["batch_code"]!, Is.EqualTo("an odd code!"));
        Assert.That((await daemon.OwnAsync("/messages/held"))["waiting_for"]!.ToJsonString(), Does.Contain("batch"));
    }

    [TestCase("client_base_url", "ftp://x", "client_base_url")]
    [TestCase("client_base_url", "http://[", "client_base_url")]
    [TestCase("client_auth", "{\"method\":\"magic\"}", "client_auth")]
    [TestCase("client_auth", "not json", "client_auth")]
    [TestCase("client_auth", "{\"method\":\"none\",\"method\":\"none\"}", "client_auth")]
    [TestCase("client_auth", "{\"method\":\"bearer\",\"token\":\"a\\u0000b\"}", "client_auth")]
    [TestCase("rate_limits", "[1]", "rate_limits")]
    [TestCase("rate_limits", "{\"a\":\"\\ud800\"}", "rate_limits")]
    [TestCase("large_file_config", "{\"enabled\":true,\"action\":\"rewrite\",\"storage_url\":\"ftp://x\"}", "large_file_config")]
    [TestCase("large_file_config", "{\"max_size_mb\":-1}", "large_file_config")]
    [TestCase("active", "perhaps", "active")]
    public async Task Member_ThatTheRoutesWouldRefuse_IsLeftOutAndTold(string column, string value, string member)
    {
        using (var old = Old())
            AddTenant(old, "acme", ("name", "Acme"), (column, value));
        var tally = await ImportAsync();
        Assert.That(LeftOut(tally, "tenant's member").Single(), Does.StartWith($"acme: {member}: "));
        await using var daemon = await StartAsync();
        Assert.That((string)(await daemon.GetAsync("/tenant/acme"))["name"]!, Is.EqualTo("Acme"));
    }

    [TestCase("no blank s")]
    [TestCase("-a")]
    [TestCase("")]
    [TestCase("a\0b")]
    [TestCase("a.b")]
    public async Task Tenant_WhoseIdIsNone_IsLeftOutWithAllThatItHas(string id)
    {
        using (var old = Old())
        {
            AddTenant(old, id);
            AddAccount(old, id);
            AddMessage(old, "m", null, ("tenant_id", id));
        }

        var tally = await ImportAsync();
        Assert.That(LeftOut(tally, "tenant").Single(), Does.Contain("its id is none here"));
        Assert.That(LeftOut(tally, "account").Single(), Does.Contain("its tenant is not there"));
        Assert.That(LeftOut(tally, "message").Single(), Does.Contain("its tenant is not there"));
    }

    [Test]
    public async Task Tenant_Default_TakesThePlaceOfTheOneThatEveryStoreHas()
    {
        using (var old = Old())
        {
            AddTenant(old, "default", ("name", "House"), ("api_key_hash", OldDatabase.HashOf(Token)));
            AddAccount(old, "default");
        }

        await ImportAsync();
        await using var daemon = await StartAsync();
        Assert.That((string)(await daemon.GetAsync("/tenant/default", Token))["name"]!, Is.EqualTo("House"));
    }
}
