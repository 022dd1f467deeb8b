using System.Text.Json.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>
/// Versions A and B at the same addresses: a request with the operator's token that names no tenant is one of version A, for the default
/// tenant; every other is one of version B.
/// </summary>
internal sealed class VersionsTogetherTests : GenroFixture
{
    private const string Default = "first";

    private string _key = null!;

    protected override string Versions => "B, A, C";

    protected override (string Name, string Value)[] Settings => [.. base.Settings, ("Genro:DefaultTenant", Default)];

    [SetUp]
    public async Task Prepare()
    {
        _key = await MakeTenantAsync("acme", reports: false);
        await MakeAccountAsync("acme");
        var (_, made) = await PostAsync(
            "/account",
            new
            {
                id = "main",
                host = "127.0.0.1",
                port = _smtp.Port,
                use_tls = false,
            }
        );
        Assert.That(made!.ToJsonString(), Is.EqualTo("""{"ok":true}"""));
    }

    [Test]
    public async Task Status_SaysWhatEitherSays() =>
        Assert.That((await GetAsync("/status")).Body!.ToJsonString(), Is.EqualTo("""{"ok":true,"active":true}"""));

    [Test]
    public async Task Accounts_ByWhoNamesATenantOrIsOne_HaveTenants()
    {
        foreach (var (path, token, tenant) in new[] { ("/accounts?tenant_id=acme", Admin, "acme"), ("/accounts", _key, "acme") })
        {
            var (_, answer) = await GetAsync(path, token);
            Assert.That((string?)answer!["accounts"]![0]!["tenant_id"], Is.EqualTo(tenant), path);
        }

        var (_, own) = await GetAsync("/accounts");
        Assert.That(own!["accounts"]!.AsArray().Single()!["tenant_id"], Is.Null);
    }

    [Test]
    public async Task Messages_OfWhichOneNamesATenant_AreOfVersionB()
    {
        var bare = Message("bare", "");
        bare.Remove("tenant_id");
        var (status, answer) = await AddAsync(bare.DeepClone(), Message("named", "acme", new { account_id = "none" }));
        Assert.That(((int)status, (int)answer!["queued"]!), Is.EqualTo((200, 1)), "the default tenant stands in");
        Assert.That((string?)answer["rejected"]![0]!["reason"], Is.EqualTo("account not found for tenant"));
        bare["account_id"] = "none";
        var (refused, detail) = await AddAsync(bare.DeepClone());
        Assert.That(((int)refused, (string?)detail!["detail"]!["error"]), Is.EqualTo((400, "all messages rejected")));
        Assert.That((string?)detail["rejected"]![0]!["reason"], Is.EqualTo("account not found"));
        var (_, theirs) = await PostAsync("/commands/add-messages", new { messages = new[] { bare } }, _key);
        Assert.That((string?)theirs!["rejected"]![0]!["reason"], Is.EqualTo("account not found for tenant"));
    }

    [Test]
    public async Task Deletion_SaysUnauthorizedWhereATenantIsNamed()
    {
        var ids = new { ids = new[] { "x" } };
        Assert.That(
            (await PostAsync("/commands/delete-messages", ids)).Body!.ToJsonString(),
            Is.EqualTo("""{"ok":true,"removed":0,"not_found":["x"]}""")
        );
        foreach (var (path, token) in new[] { ("/commands/delete-messages?tenant_id=acme", Admin), ("/commands/delete-messages", _key) })
            Assert.That(
                (await PostAsync(path, ids, token)).Body!.ToJsonString(),
                Is.EqualTo("""{"ok":true,"removed":0,"not_found":[],"unauthorized":["x"]}""")
            );
    }

    [Test]
    public async Task Suspension_StopsMailWhereATenantOrBatchIsNamed()
    {
        Assert.That((await PostAsync("/commands/suspend")).Body!.ToJsonString(), Is.EqualTo("""{"ok":true}"""));
        Assert.That(
            (await PostAsync("/commands/suspend?batch_code=b")).Body!["suspended_batches"]!.ToJsonString(),
            Is.EqualTo("""["b"]"""),
            "version A knows no batches"
        );
        Assert.That((await PostAsync("/commands/suspend", null, _key)).Body!["suspended_batches"]!.ToJsonString(), Is.EqualTo("""["*"]"""));
        var bare = Message("bare", "");
        bare.Remove("tenant_id");
        await QueueAsync(bare);
        await RowAsync(Default, "bare", static row => row["sent_ts"] is not null);
    }

    [Test]
    public async Task Routes_OfEachVersion_AreThere()
    {
        Assert.That((int)(await GetAsync("/tenants")).Status, Is.EqualTo(200));
        Assert.That((int)(await GetAsync("/volumes")).Status, Is.EqualTo(200));
        var (_, listed) = await GetAsync("/messages/list?tenant_id=acme");
        Assert.That(listed, Is.InstanceOf<JsonArray>());
        var (_, document) = await GetAsync("/openapi/genro.json", token: null);
        Assert.That(document!["paths"]!["/status"]!["get"]!["responses"]!["200"]!["content"]!.ToJsonString(), Does.Contain("anyOf"));
    }
}
