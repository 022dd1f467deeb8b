using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>The log of commands, and the metrics.</summary>
internal sealed class CommandLogTests : GenroFixture
{
    [Test]
    public async Task Log_OfAllCommands_NamesThemWithoutSecretsAndBodies()
    {
        await PostAsync("/tenant", new { id = "acme", client_auth = new { method = "bearer", token = "s3cr3t" } });
        await CallAsync(HttpMethod.Put, "/tenant/acme", new { name = "Acme" });
        await MakeAccountAsync("acme", more: new { user = "u", password = "s3cr3t" });
        await QueueAsync(Message("m", "acme", new { body = "s3cr3t words" }));
        await AddAsync(Message("bad", "acme", new { account_id = "none" }));
        await PostAsync("/commands/suspend?tenant_id=acme&batch_code=b");
        await PostAsync("/commands/activate?tenant_id=acme&batch_code=b");
        await PostAsync("/commands/delete-messages?tenant_id=acme", new { ids = new[] { "x" } });
        await PostAsync("/commands/cleanup-messages?tenant_id=acme");
        await CallAsync(HttpMethod.Delete, "/account/main?tenant_id=acme");
        var (_, answer) = await GetAsync("/command-log");
        var commands = answer!["commands"]!.AsArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                commands.Select(static one => (string)one!["endpoint"]!),
                Is.EqualTo(
                    new[]
                    {
                        "addTenant",
                        "updateTenant",
                        "addAccount",
                        "addMessages",
                        "addMessages",
                        "suspend",
                        "activate",
                        "deleteMessages",
                        "cleanupMessages",
                        "deleteAccount",
                    }
                )
            );
            Assert.That((int)answer["total"]!, Is.EqualTo(10));
            Assert.That(
                commands.Select(static one => (int)one!["response_status"]!).Where(static status => status != 200),
                Is.EqualTo(new[] { 400 })
            );
            Assert.That(commands.Select(static one => (string)one!["tenant_id"]!), Is.All.EqualTo("acme"));
            Assert.That((string?)commands[3]!["payload"]!["messages"]![0]!["id"], Is.EqualTo("m"));
            Assert.That(answer.ToJsonString(), Does.Not.Contain("s3cr3t"));
        }
    }

    [Test]
    public async Task Log_Filtered_HasWhatMatches()
    {
        await PostAsync("/tenant", new { id = "one" });
        await PostAsync("/tenant", new { id = "two" });
        await PostAsync("/commands/suspend?tenant_id=one");
        Assert.That(await NamesAsync("?tenant_id=one"), Is.EqualTo(new[] { "addTenant", "suspend" }));
        Assert.That(await NamesAsync("?endpoint_filter=Tenant"), Is.EqualTo(new[] { "addTenant", "addTenant" }));
        Assert.That(await NamesAsync("?limit=1"), Is.EqualTo(new[] { "addTenant" }), "oldest first");
        Assert.That(await NamesAsync("?since_ts=4000000000"), Is.Empty);
        Assert.That(await NamesAsync("?until_ts=4000000000"), Has.Length.EqualTo(3));
        Assert.That((int)(await GetAsync("/command-log?limit=many")).Status, Is.EqualTo(422));
        var exported = (await GetAsync("/command-log/export?tenant_id=two")).Body!["commands"]![0]!.AsObject();
        Assert.That(exported.Select(static one => one.Key), Is.EqualTo(new[] { "endpoint", "tenant_id", "payload", "command_ts" }));
    }

    [Test]
    public async Task Metrics_FromTheStart_HaveARowOfZerosAndThenTheirOwn()
    {
        using var http = new HttpClient { BaseAddress = new Uri(_daemon.Url) };
        var before = await http.GetStringAsync("/metrics");
        foreach (var name in new[] { "sent", "errors", "deferred", "rate_limited" })
            Assert.That(
                before,
                Does.Contain(
                    $$"""gmp_{{name}}_total{tenant_id="default",tenant_name="default",account_id="default",account_name="default"} 0"""
                )
            );
        Assert.That(before, Does.Contain("gmp_pending_messages 0"));

        await MakeTenantAsync("acme", reports: false);
        await MakeAccountAsync("acme");
        await QueueAsync(Message("m", "acme"), Message("later", "acme", new { deferred_ts = 4_000_000_000 }));
        await RowAsync("acme", "m", static row => row["sent_ts"] is not null);
        using var answer = await http.GetAsync("/mailproxy/v1/metrics");
        var after = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.Content.Headers.ContentType!.ToString(), Does.StartWith("text/plain; version=0.0.4"));
        Assert.That(after, Does.Contain("""gmp_sent_total{tenant_id="acme",tenant_name="ACME",account_id="main",account_name="main"} 1"""));
        Assert.That(after, Does.Contain("gmp_pending_messages 1"));
    }

    private async Task<string[]> NamesAsync(string query)
    {
        var (_, answer) = await GetAsync("/command-log" + query);
        return [.. answer!["commands"]!.AsArray().Select(static one => (string)one!["endpoint"]!)];
    }
}
