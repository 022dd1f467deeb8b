using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A tenant asks for more than it reads; the other one reads and posts.</summary>
internal sealed class HostileReadersTests
{
    private const int Readers = 12;
    private static readonly object Small = new
    {
        from = "a@example.com",
        to = "b@example.org",
        text = "x",
    };

    private TempDirectory _directory = null!;
    private TestDaemon _daemon = null!;
    private string _hog = "",
        _victim = "";

    [SetUp]
    public async Task StartAsync()
    {
        _directory = new();
        _daemon = await TestDaemon.StartAsync(
            _directory,
            ("Api:AnswerBytes", "8388608"),
            ("Api:MaxLongPolls", "40"),
            ("Network:Allowed:0", "127.0.0.0/8")
        );
        (_hog, _victim) = (await TenantAsync("hog"), await TenantAsync("victim"));
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _daemon.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task LargeMessages_AskedForAndNotRead_AreBoundedAndTheOtherTenantReads()
    {
        var text = new string('x', 3_000_000);
        using var hog = Client(_hog);
        using var victim = Client(_victim);
        foreach (var client in (HttpClient[])[hog, victim])
        {
            using var posted = await client.PostAsJsonAsync(
                "/v1/messages",
                new
                {
                    id = "big",
                    from = "a@example.com",
                    to = "b@example.org",
                    text,
                }
            );
            Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        }

        var asking = new List<RawHttp>();
        for (var i = 0; i < Readers; i++)
        {
            asking.Add(await RawHttp.ConnectAsync(new(_daemon.Url)));
            await asking[i].SendAsync(RawHttp.Head("GET /v1/messages/big/raw HTTP/1.1", _hog));
        }

        var share = await Eventually.BecomesAsync(() => ShareAsync("hog", "answer_bytes"), static share => (long)share["held"]! > 0);
        Assert.That((long)share["held"]!, Is.LessThanOrEqualTo(4_194_304), "half of what there is");
        Assert.That((await victim.GetStringAsync("/v1/messages/big/raw")).Length, Is.GreaterThan(text.Length));
        using (var posted = await victim.PostAsJsonAsync("/v1/messages", Small))
            Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That(Directory.GetFiles(Path.Combine(_daemon.Data, "spool"), "answer-*"), Is.Empty);

        foreach (var raw in asking)
            raw.Dispose();
        await Eventually.BecomesAsync(() => ShareAsync("hog", "answer_bytes"), static share => (long)share["held"]! == 0);
    }

    [Test]
    public async Task LongPolls_OfAQuietTenant_LeavePlacesAndEndWithItsOwnEvent()
    {
        using var hog = Client(_hog);
        using var victim = Client(_victim);
        var polls = Enumerable.Range(0, 60).Select(_ => hog.GetAsync("/v1/events?after=now&wait=60")).ToArray();
        await Eventually.BecomesAsync(() => ShareAsync("hog", "long_polls"), static share => (long)share["held"]! == 20);
        var waiting = victim.GetFromJsonAsync<JsonNode>("/v1/events?after=now&wait=60");
        await Eventually.BecomesAsync(() => ShareAsync("victim", "long_polls"), static share => (long)share["held"]! == 1);
        using (var posted = await victim.PostAsJsonAsync("/v1/messages", Small))
            Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That((await waiting)!["data"]!.AsArray(), Is.Not.Empty);
        Assert.That((long)(await ShareAsync("hog", "long_polls"))["held"]!, Is.EqualTo(20), "the other's event ends none of them");

        using (var posted = await hog.PostAsJsonAsync("/v1/messages", Small))
            Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        var status = (await Task.WhenAll(polls)).Select(static answer => (int)answer.StatusCode).ToArray();
        Assert.That((status.Count(static s => s == 200), status.Count(static s => s == 429)), Is.EqualTo((20, 40)));
    }

    private async Task<JsonNode> ShareAsync(string tenant, string name) =>
        (await _daemon.GetAsync("/v1/tenants/" + tenant))["shares"]![name]!;

    private async Task<string> TenantAsync(string id)
    {
        var key = await _daemon.MakeTenantAsync(id);
        using var client = Client(key);
        using var put = await client.PutAsJsonAsync(
            "/v1/accounts/a",
            new
            {
                host = "127.0.0.1",
                port = FreePort.Take(),
                security = "none",
            }
        );
        Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.Created), await put.Content.ReadAsStringAsync());
        return key;
    }

    private HttpClient Client(string key)
    {
        var client = new HttpClient { BaseAddress = new(_daemon.Url), Timeout = TestDaemon.Deadline };
        client.DefaultRequestHeaders.Authorization = new("Bearer", key);
        return client;
    }
}
