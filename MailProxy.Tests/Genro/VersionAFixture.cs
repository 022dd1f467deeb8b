using System.Net;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>A daemon that serves clients of version A, with the tenant that all their requests mean and an account of it.</summary>
[Parallelizable(ParallelScope.Self)]
internal abstract class VersionAFixture : GenroFixture
{
    protected const string Tenant = "main_tenant";

    protected override string Versions => "A";

    protected override (string Name, string Value)[] Settings => [.. base.Settings, ("Genro:DefaultTenant", Tenant)];

    [SetUp]
    public async Task MakeAccountAsync()
    {
        var (status, made) = await PostAsync("/account", Account("main"));
        Assert.That((status, made!.ToJsonString()), Is.EqualTo((HttpStatusCode.OK, """{"ok":true}""")));
    }

    protected JsonObject Account(string id) =>
        new()
        {
            ["id"] = id,
            ["host"] = "127.0.0.1",
            ["port"] = _smtp.Port,
            ["use_tls"] = false,
        };

    protected static JsonObject Mail(string id, object? more = null)
    {
        var mail = Message(id, "", more);
        mail.Remove("tenant_id");
        return mail;
    }

    protected async Task<JsonObject[]> AllAsync()
    {
        var (status, answer) = await GetAsync("/messages");
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer?.ToJsonString());
        return [.. answer!["messages"]!.AsArray().Select(static row => row!.AsObject())];
    }

    protected async Task<JsonObject> MailAsync(string id, Func<JsonObject, bool> wanted)
    {
        JsonObject? found = null;
        await Eventually.BecomesAsync(
            async () =>
            {
                found = (await AllAsync()).FirstOrDefault(row => (string)row["id"]! == id);
                return found is not null && wanted(found);
            },
            static yes => yes
        );
        return found!;
    }
}
