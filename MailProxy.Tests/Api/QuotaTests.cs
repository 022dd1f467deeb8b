using System.Net;
using MailProxy.Pipeline.Accounts;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>What a tenant's own keys may configure has an end; the operator's admin key is not held to it.</summary>
public sealed class QuotaTests
{
    private const string Account = """{"host":"smtp.example","port":587,"security":"starttls"}""";
    private const string Volume = """{"backend":"http","config":{"base_url":"https://files.example/"}}""";
    private const string Webhook = """{"url":"https://hook.example/"}""";
    private const string Batch = """{"suspended":true}""";

    private ApiHost _host = null!;

    [SetUp]
    public async Task SetUp()
    {
        _host = await ApiHost.StartAsync(
            new()
            {
                Quotas = new()
                {
                    MaxAccounts = 2,
                    MaxVolumes = 2,
                    MaxWebhooks = 2,
                    MaxSuspendedBatches = 2,
                    ChangesPerMinute = 20,
                    Tests = 1,
                },
            }
        );
        _host.CurrentKeys.Swap(
            new([
                new()
                {
                    Id = "k",
                    Tenant = "default",
                    Name = "k",
                    Hash = TenantKey.HashOf("tenant-key"),
                    Scopes = KeyScopes.Send | KeyScopes.Read | KeyScopes.Manage,
                    AllowedNetworks = [],
                    CreatedAt = 0,
                },
            ])
        );
    }

    [TearDown]
    public async Task TearDown() => await _host.DisposeAsync();

    [TestCase("accounts", Account, "Tenants:MaxAccounts")]
    [TestCase("volumes", Volume, "Tenants:MaxVolumes")]
    [TestCase("webhooks", Webhook, "Tenants:MaxWebhooks")]
    [TestCase("batches", Batch, "Tenants:MaxSuspendedBatches")]
    public async Task Put_BeyondTheQuota_422UntilOneIsDeleted(string things, string body, string setting)
    {
        await AssertAsync("PUT", $"/v1/{things}/t1", body, 201);
        await AssertAsync("PUT", $"/v1/{things}/t2", body, 201);
        using (var third = await AsTenantAsync("PUT", $"/v1/{things}/t3", body))
        {
            var problem = await third.ProblemAsync(422, "quota_exceeded");
            Assert.That(problem.GetProperty("detail").GetString(), Does.Contain(setting));
        }

        await AssertAsync("PUT", $"/v1/{things}/t2", body, 200);
        await AssertAsync("DELETE", $"/v1/{things}/t1", null, 204);
        await AssertAsync("PUT", $"/v1/{things}/t3", body, 201);
        using var operators = await _host.SendAsync("PUT", $"/v1/{things}/t4", body);
        Assert.That((int)operators.StatusCode, Is.EqualTo(201));
    }

    [Test]
    public async Task Change_MoreThanTheRate_429AndReadingGoesOn()
    {
        for (var i = 0; i < 20; i++)
            await AssertAsync("PUT", "/v1/accounts/a", Account, i == 0 ? 201 : 200);

        using var answer = await AsTenantAsync("PUT", "/v1/accounts/a", Account);
        await answer.ProblemAsync(429, "too_many_changes");
        Assert.That(answer.Headers.RetryAfter, Is.Not.Null);
        await AssertAsync("GET", "/v1/accounts/a", null, 200);
        using var operators = await _host.SendAsync("PUT", "/v1/accounts/a", Account);
        Assert.That(operators.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Test_WhileTooManyAreUnderWay_429()
    {
        await AssertAsync("PUT", "/v1/accounts/a", Account, 201);
        await AssertAsync("PUT", "/v1/webhooks/w", Webhook, 201);
        using var entered = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        var answer = _host.TestAccount(_host.Current.Directory.Find("default", "a")!);
        _host.TestAccount = _ =>
        {
            entered.Set();
            leave.Wait(ApiHost.Deadline);
            return answer;
        };

        var first = Task.Run(() => AsTenantAsync("POST", "/v1/accounts/a/test", null));
        Assert.That(entered.Wait(ApiHost.Deadline), Is.True);
        using (var second = await AsTenantAsync("POST", "/v1/webhooks/w/test", null))
            await second.ProblemAsync(429, "too_many_tests");
        leave.Set();
        using (var done = await first)
            Assert.That((int)done.StatusCode, Is.EqualTo(200));
        await AssertAsync("POST", "/v1/webhooks/w/test", null, 200);
    }

    private async Task AssertAsync(string method, string path, string? body, int status)
    {
        using var answer = await AsTenantAsync(method, path, body);
        Assert.That((int)answer.StatusCode, Is.EqualTo(status), await answer.Content.ReadAsStringAsync());
    }

    private async Task<HttpResponseMessage> AsTenantAsync(string method, string path, string? body)
    {
        using var client = _host.NewClient("tenant-key");
        using var request = new HttpRequestMessage(new(method), path);
        if (body is not null)
            request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        return await client.SendAsync(request);
    }
}
