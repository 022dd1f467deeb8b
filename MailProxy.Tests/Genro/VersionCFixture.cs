using System.Text.Json.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>A daemon that serves clients of version C, with a tenant and an account.</summary>
[Parallelizable(ParallelScope.Self)]
internal abstract class VersionCFixture : GenroFixture
{
    protected string _key = null!;

    protected override string Versions => "C";

    [SetUp]
    public async Task Prepare()
    {
        _key = (string)(await AddTenantAsync("acme"))["api_key"]!;
        await AddAccountAsync("acme");
    }

    protected async Task<JsonObject> AddTenantAsync(string id, string? name = null)
    {
        var (status, made) = await PostAsync("/tenants/add", new { id, name });
        Assert.That((int)status, Is.EqualTo(200), made?.ToJsonString());
        return made!.AsObject();
    }

    protected async Task<JsonObject> AddAccountAsync(string tenant, string id = "main", object? more = null)
    {
        var account = JsonNode.Parse(System.Text.Json.JsonSerializer.Serialize(more ?? new { }))!.AsObject();
        (account["id"], account["tenant_id"], account["host"], account["port"]) = (id, tenant, "127.0.0.1", _smtp.Port);
        account["use_tls"] = false;
        var (status, made) = await PostAsync("/accounts/add", account);
        Assert.That((int)status, Is.EqualTo(200), made?.ToJsonString());
        return made!.AsObject();
    }

    protected static IEnumerable<string> Ids(JsonNode list) => list.AsArray().Select(static one => (string)one!["id"]!);
}
