using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Queries, the installation and the log of commands in version C.</summary>
internal sealed class VersionCInstanceTests : VersionCFixture
{
    [TestCase("/tenants/get", "tenant_id")]
    [TestCase("/accounts/list", "tenant_id")]
    [TestCase("/accounts/get?tenant_id=acme", "account_id")]
    [TestCase("/messages/get?tenant_id=acme", "message_id")]
    [TestCase("/messages/list?active_only=perhaps", "active_only")]
    [TestCase("/messages/cleanup?tenant_id=acme&older_than_seconds=long", "older_than_seconds")]
    [TestCase("/command_log/get", "command_id")]
    [TestCase("/command_log/list?limit=99999999999999999999", "limit")]
    [TestCase("/command_log/list?limit=-1", "limit")]
    [TestCase("/command_log/list?offset=-1", "offset")]
    public async Task Query_WithAMistake_IsInvalid(string path, string name)
    {
        var (status, answer) = await GetAsync(path);
        Assert.That(((int)status, answer!["detail"]![0]!["loc"]!.ToJsonString()), Is.EqualTo((422, $"""["query","{name}"]""")));
    }

    [Test]
    public async Task Log_ListedReadAndPurged_IsBare()
    {
        var (_, listed) = await GetAsync("/command_log/list?limit=1&offset=1");
        var one = listed!.AsArray().Single()!.AsObject();
        Assert.That(((string?)one["endpoint"], (string?)one["tenant_id"]), Is.EqualTo(("addAccount", "acme")));
        Assert.That(one.ContainsKey("response_body") && one["response_body"] is null);
        var id = (long)one["id"]!;
        Assert.That((await GetAsync($"/command_log/get?command_id={id}")).Body!.ToJsonString(), Is.EqualTo(one.ToJsonString()));
        var exported = (await GetAsync("/command_log/export?tenant_id=acme")).Body!.AsArray();
        Assert.That(
            exported[0]!.AsObject().Select(static member => member.Key),
            Is.EqualTo(new[] { "endpoint", "tenant_id", "payload", "command_ts" })
        );
        var (_, purged) = await PostAsync("/command_log/purge", new { threshold_ts = 4_000_000_000 });
        Assert.That(purged!.ToJsonString(), Is.EqualTo("""{"ok":true,"deleted":2}"""));
        Assert.That((await GetAsync("/command_log/list")).Body!.AsArray(), Is.Empty);
    }

    [TestCase("suspend")]
    [TestCase("activate")]
    public async Task Instance_SwitchedForAnUnknownTenant_SaysSoInItsAnswer(string method)
    {
        var (status, answer) = await PostAsync("/instance/" + method, new { tenant_id = "none" });
        Assert.That(((int)status, answer!.ToJsonString()), Is.EqualTo((200, Same("""{"ok":false,"error":"Tenant 'none' not found"}"""))));
    }
}
