using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro.Import;

/// <summary>Accounts, their secrets and their limits; volumes.</summary>
[TestFixture]
internal sealed class AccountImportTests : ImportFixture
{
    [TestCase(OldVersion.Production, 1, 465, "tls")]
    [TestCase(OldVersion.Production, 1, 587, "starttls")]
    [TestCase(OldVersion.Production, 0, 465, "none")]
    [TestCase(OldVersion.Production, null, 465, "tls")]
    [TestCase(OldVersion.Production, null, 25, "none")]
    [TestCase(OldVersion.WithoutTenants, 1, 465, "tls")]
    [TestCase(OldVersion.WithoutTenants, 1, 587, "tls")]
    [TestCase(OldVersion.WithoutTenants, 0, 25, "none")]
    [TestCase(OldVersion.WithoutTenants, null, 465, "tls")]
    public async Task UseTls_OfEachVersion_MeansWhatItMeantThere(OldVersion version, int? useTls, int port, string security)
    {
        var hasTenants = version == OldVersion.Production;
        using (var old = Old(version))
        {
            if (hasTenants)
                AddTenant(old);
            (string, object?)[] account = [("id", "main"), ("host", "mail.example.com"), ("port", port), ("use_tls", useTls)];
            old.Add("accounts", hasTenants ? [("tenant_id", "acme"), .. account] : account);
        }

        await ImportAsync(hasTenants ? null : "acme");
        await using var daemon = await StartAsync();
        Assert.That((string)(await daemon.OwnAsync("/accounts/main"))["security"]!, Is.EqualTo(security));
    }

    [Test]
    public async Task Account_WithEverything_IsShownAsItWasAndItsSecretsAreOpened()
    {
        using (var old = Old())
        {
            AddTenant(old);
            old.Add(
                "accounts",
                ("tenant_id", "acme"),
                ("id", "Main"),
                ("host", "mail.example.com"),
                ("port", 587),
                ("user", "u"),
                ("password", OldDatabase.Seal("päss", SealingKey)),
                ("use_tls", 1),
                ("limit_per_hour", 100),
                ("limit_per_day", 0),
                ("limit_behavior", "reject"),
                ("batch_size", 10),
                ("is_pec_account", 1),
                ("imap_host", "imap.example.com"),
                ("imap_password", OldDatabase.Seal("q", SealingKey))
            );
        }

        var tally = await ImportAsync(environment: Key(SealingKey));
        Assert.That(tally.Notes, Has.Some.Contains("certified mail (PEC)"));
        await using var daemon = await StartAsync();
        var shown = (await daemon.GetAsync("/accounts?tenant_id=acme"))["accounts"]!.AsArray().Single()!.AsObject();
        shown.Remove("created_at");
        shown.Remove("updated_at");
        Assert.That(
            JsonNode.DeepEquals(
                shown,
                JsonNode.Parse(
                    """
                    {"id":"Main","tenant_id":"acme","host":"mail.example.com","port":587,"limit_per_hour":100,"limit_per_day":0,
                    "limit_behavior":"reject","user":"u","use_tls":true,"ttl":300,"batch_size":10,"is_pec_account":true,
                    "imap_host":"imap.example.com","imap_port":993,"imap_folder":"INBOX"}
                    """
                )
            ),
            shown.ToJsonString()
        );
        var own = await daemon.OwnAsync("/accounts/Main");
        Assert.That((string)own["limits"]!["when_reached"]!, Is.EqualTo("fail"));
        Assert.That((string)own["auth"]!["user"]!, Is.EqualTo("u"));
    }

    [TestCase(null, "MAIL_PROXY_ENCRYPTION_KEY is not set")]
    [TestCase("", "MAIL_PROXY_ENCRYPTION_KEY is not set")]
    [TestCase("abc", "is not 32 bytes in base64")]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "does not open under the key")]
    public async Task SealedPassword_WithoutItsKey_RefusesTheImport(string? key, string why)
    {
        using (var old = Old())
        {
            AddTenant(old);
            AddAccount(old, "acme", "main", ("password", OldDatabase.Seal("secret", SealingKey)));
        }

        var environment = key is null ? null : new Dictionary<string, string> { ["MAIL_PROXY_ENCRYPTION_KEY"] = key };
        Assert.That(await RefusedAsync(environment: environment), Does.Contain(why).And.Not.Contain("secret\""));
        await using var daemon = await StartAsync();
        Assert.That((await daemon.CallAsync(HttpMethod.Get, "/tenant/acme")).Status, Is.EqualTo(System.Net.HttpStatusCode.NotFound));
    }

    [TestCase("ENC:")]
    [TestCase("ENC:%%%")]
    [TestCase("ENC:AAAA")]
    public async Task SealedPassword_ThatIsNone_RefusesTheImport(string password)
    {
        using (var old = Old())
        {
            AddTenant(old);
            AddAccount(old, "acme", "main", ("password", password));
        }

        Assert.That(await RefusedAsync(environment: Key(SealingKey)), Does.Contain("account acme/main is damaged"));
    }

    [TestCase("host", "", "its host or port")]
    [TestCase("host", "no host", "/host")]
    [TestCase("port", 0, "its host or port")]
    [TestCase("port", "smtp", "its host or port")]
    [TestCase("port", 99999999999, "its host or port")]
    [TestCase("id", "a/b", "its id is none here")]
    [TestCase("tenant_id", "nobody", "its tenant is not there")]
    public async Task Account_ThatCannotBe_IsLeftOutWithItsWaitingMail(string column, object value, string why)
    {
        using (var old = Old())
        {
            AddTenant(old);
            var columns = new Dictionary<string, object?>
            {
                ["tenant_id"] = "acme",
                ["id"] = "main",
                ["host"] = "h",
                ["port"] = 25,
                [column] = value,
            };
            old.Add("accounts", [.. columns.Select(static one => (one.Key, one.Value))]);
            AddMessage(old);
            AddMessage(old, "over", null, ("smtp_ts", Now));
        }

        var tally = await ImportAsync();
        Assert.That(LeftOut(tally, "account").Single(), Does.Contain(why));
        Assert.That(LeftOut(tally, "message").Single(), Does.StartWith("acme/m: its account is not there"));
        Assert.That(tally.Of("sent messages, remembered"), Is.EqualTo(1));
        await using var daemon = await StartAsync();
        Assert.That((await daemon.RowsAsync()).Keys, Is.EqualTo(new[] { "over" }));
    }

    [TestCase("limit_per_hour", "many")]
    [TestCase("limit_behavior", "explode")]
    [TestCase("use_tls", "perhaps")]
    public async Task Member_ThatTheRoutesWouldRefuse_IsLeftOutAndTold(string column, object value)
    {
        using (var old = Old())
        {
            AddTenant(old);
            (string, object?)[] account = [("tenant_id", "acme"), ("id", "main"), ("host", "h"), ("port", 25), (column, value)];
            old.Add("accounts", account);
        }

        var tally = await ImportAsync();
        Assert.That(LeftOut(tally, "account's member").Single(), Does.StartWith($"acme/main: {column}: "));
        Assert.That(tally.Of("accounts"), Is.EqualTo(1));
    }

    [Test]
    public async Task Volumes_LocalAndS3_AreTakenOverAndOthersTold()
    {
        using (var old = Old(OldVersion.Generated))
        {
            AddTenant(old);
            Storage("HOME", "local", """{"base_path":"/srv/files"}""");
            Storage(
                "SALES",
                "s3",
                OldDatabase.Seal("""{"bucket":"bucket","prefix":"/x/","aws_access_key_id":"k","aws_secret_access_key":"s"}""", SealingKey)
            );
            Storage("CLOUD", "gcs", """{"bucket":"b"}""");
            Storage("BAD", "s3", "[]");
            Storage("OWN", "local", $$"""{"base_path":"{{Data}}/spool"}""");

            void Storage(string name, string protocol, string config) =>
                old.Add("storages", ("pk", name), ("tenant_id", "acme"), ("name", name), ("protocol", protocol), ("config", config));
        }

        var tally = await ImportAsync(environment: Key(SealingKey));
        Assert.That(
            LeftOut(tally, "volume"),
            Is.EqualTo(
                new[]
                {
                    "acme/CLOUD: there are no volumes of the kind 'gcs'",
                    "acme/BAD: its config is no JSON object",
                    "acme/OWN: The daemon keeps its own files there",
                }
            )
        );
        Assert.That(tally.Of("volumes"), Is.EqualTo(2));
        await using var daemon = await StartAsync();
        var s3 = await daemon.OwnAsync("/volumes/SALES");
        Assert.That((string)s3["config"]!["prefix"]!, Is.EqualTo("x"));
        Assert.That((string)s3["config"]!["access_key"]!, Is.EqualTo("k"));
    }

    private static Dictionary<string, string> Key(byte[] key) => new() { ["MAIL_PROXY_ENCRYPTION_KEY"] = Convert.ToBase64String(key) };
}
