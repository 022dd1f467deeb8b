using System.Net;
using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>DKIM keys over HTTP: made, published, activated, rotated, deleted; the private key never comes out.</summary>
[TestFixture]
public sealed class DkimRoutesTests
{
    private const string Keys = "/v1/accounts/main/dkim";

    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _host = await ApiHost.StartAsync();
        using var made = await _host.SendAsync("PUT", "/v1/accounts/main", """{"sandbox":true}""");
        Assert.That(made.StatusCode, Is.EqualTo(HttpStatusCode.Created));
    }

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    private SmtpAccount Stored => _host.Configuration.Values<SmtpAccount>().Single();

    [Test]
    public async Task Post_Both_AnswersTwoRecordsAndNoPrivateKey()
    {
        using var answer = await _host.SendAsync("POST", Keys, """{"domain":"bücher.example","algorithm":"both"}""");
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(201), text);
        Assert.That(text, Does.Not.Contain("PRIVATE"));
        using var json = JsonDocument.Parse(text);
        var (rsa, ed) = (json.RootElement.GetProperty("data")[0], json.RootElement.GetProperty("data")[1]);
        Assert.That(rsa.GetProperty("selector").GetString(), Does.Match("^mp[0-9]{8}-rsa$"));
        Assert.That(ed.GetProperty("selector").GetString(), Does.Match("^mp[0-9]{8}-ed25519$"));
        Assert.That(rsa.GetProperty("state").GetString(), Is.EqualTo("pending"));
        Assert.That(
            rsa.GetProperty("dns").GetProperty("name").GetString(),
            Is.EqualTo($"{rsa.GetProperty("selector")}._domainkey.xn--bcher-kva.example")
        );
        Assert.That(ed.GetProperty("dns").GetProperty("value").GetString(), Does.StartWith("v=DKIM1; k=ed25519; p="));
        Assert.That(rsa.GetProperty("dns").GetProperty("strings").GetArrayLength(), Is.EqualTo(2));

        using var list = await _host.SendAsync("GET", Keys);
        Assert.That(await list.Content.ReadAsStringAsync(), Is.EqualTo(text));
        using var account = await _host.SendAsync("GET", "/v1/accounts/main");
        Assert.That(await account.Content.ReadAsStringAsync(), Does.Not.Contain("PRIVATE"));
        Assert.That(Stored.DkimKeys.Select(static key => key.Key.PrivateKey), Is.All.Contains("PRIVATE KEY"));
    }

    [Test]
    public async Task Rotation_BySelectors_RetiresTheOldKeyUntilItIsDeleted()
    {
        foreach (var selector in new[] { "s1", "s2", "other" })
        {
            var domain = selector == "other" ? "y.example" : "x.example";
            using var made = await _host.SendAsync(
                "POST",
                Keys,
                $$"""{"domain":"{{domain}}","selector":"{{selector}}","algorithm":"ed25519"}"""
            );
            Assert.That((int)made.StatusCode, Is.EqualTo(201));
        }

        Assert.That(await StatesAsync(), Is.EqualTo("s1 pending, s2 pending, other pending"));
        Assert.That(await CallAsync("POST", Keys + "/s1/activate"), Is.EqualTo(200));
        Assert.That(await CallAsync("POST", Keys + "/other/activate"), Is.EqualTo(200));
        Assert.That(await StatesAsync(), Is.EqualTo("s1 active, s2 pending, other active"));
        Assert.That(await CallAsync("POST", Keys + "/S2/activate"), Is.EqualTo(200));
        Assert.That(await CallAsync("POST", Keys + "/s2/activate"), Is.EqualTo(200), "again changes nothing");
        Assert.That(await StatesAsync(), Is.EqualTo("s1 retired, s2 active, other active"));

        using var replaced = await _host.SendAsync("PUT", "/v1/accounts/main", """{"sandbox":true,"description":"put again"}""");
        Assert.That(await StatesAsync(), Is.EqualTo("s1 retired, s2 active, other active"), "whoever puts the account keeps them");

        Assert.That(await CallAsync("DELETE", Keys + "/s1"), Is.EqualTo(204));
        Assert.That(await CallAsync("DELETE", Keys + "/s1"), Is.EqualTo(404));
        Assert.That(await CallAsync("POST", Keys + "/s1/activate"), Is.EqualTo(404));
        Assert.That(await StatesAsync(), Is.EqualTo("s2 active, other active"));
    }

    [TestCase("""{}""", 422, "/domain required")]
    [TestCase("""{"domain":"a b"}""", 422, "/domain invalid_domain")]
    [TestCase("""{"domain":"x.example","selector":"a b","algorithm":"dsa"}""", 422, "/selector invalid_selector,/algorithm invalid_choice")]
    [TestCase("""{"domain":7,"selector":7,"algorithm":7}""", 422, "/domain invalid_type,/selector invalid_type,/algorithm invalid_choice")]
    [TestCase("""{"domain":"x.example","bits":1024}""", 422, "/bits unknown_field")]
    [TestCase("""[]""", 400, "")]
    public async Task Post_Mistakes_EachWithPointerAndCode(string body, int status, string expected)
    {
        using var answer = await _host.SendAsync("POST", Keys, body);
        var problem = await answer.JsonAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(status), problem.ToString());
        if (expected.Length > 0)
        {
            Assert.That(
                problem.GetProperty("errors").EnumerateArray().Select(e => $"{e.GetProperty("pointer")} {e.GetProperty("code")}"),
                Is.EquivalentTo(expected.Split(','))
            );
        }

        Assert.That(Stored.DkimKeys, Is.Empty);
    }

    [Test]
    public async Task Post_SelectorIsThereAlready_IsAConflict_AndNoneIsNamedTwice()
    {
        const string Body = """{"domain":"x.example","selector":"s","algorithm":"ed25519"}""";
        Assert.That(await CallAsync("POST", Keys, Body), Is.EqualTo(201));
        Assert.That(await CallAsync("POST", Keys, Body.Replace("\"s\"", "\"S\"", StringComparison.Ordinal)), Is.EqualTo(409));
        for (var i = 0; i < 3; i++)
            Assert.That(await CallAsync("POST", Keys, """{"domain":"x.example","algorithm":"ed25519"}"""), Is.EqualTo(201));
        Assert.That(Stored.DkimKeys.Select(static key => key.Key.Selector), Is.Unique.And.Exactly(4).Items);
        Assert.That(await CallAsync("POST", "/v1/accounts/none/dkim", Body), Is.EqualTo(404));
        Assert.That(await CallAsync("GET", "/v1/accounts/none/dkim"), Is.EqualTo(404));
    }

    private async Task<int> CallAsync(string method, string path, string? body = null)
    {
        using var answer = await _host.SendAsync(method, path, body);
        return (int)answer.StatusCode;
    }

    private async Task<string> StatesAsync()
    {
        using var answer = await _host.SendAsync("GET", Keys);
        var data = (await answer.JsonAsync()).GetProperty("data");
        return string.Join(", ", data.EnumerateArray().Select(key => $"{key.GetProperty("selector")} {key.GetProperty("state")}"));
    }
}
