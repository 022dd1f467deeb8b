using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Imports that are hostile, too large, or come at the wrong time.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class SuppressionImportTests
{
    private const string Ndjson = "application/x-ndjson";
    private const string Csv = "text/csv";

    private TempDirectory _directory = null!;

    [SetUp]
    public void MakeDirectory() => _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    private static async Task<(int Status, JsonNode Body)> ImportAsync(HttpClient http, string type, byte[] octets)
    {
        using var body = new ByteArrayContent(octets);
        body.Headers.ContentType = new MediaTypeHeaderValue(type);
        using var answer = await http.PostAsync("/v1/suppressions/import", body);
        return ((int)answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync())!);
    }

    private static byte[] Lines(int from, int count) =>
        Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(from, count).Select(static i => $"r{i}@example.org")));

    [Test]
    public async Task HostileLines_AreToldOneByOne_AndTheOthersTaken()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        string[] lines =
        [
            """{"address":"\ud800@example.org"}""",
            """{"address":"good@example.org","reason":"\udfff"}""",
            """{"\ud800":1,"address":"good@example.org"}""",
            """{"address":"one@example.org","address":"two@example.org"}""",
            """{"address":{"a":{"\ud800":1,"\ud801":2}}}""",
            """{"address":["good@example.org"]}""",
            """[{"address":"good@example.org"}]""",
            "null",
            """{"address":"taken@example.org"}""",
        ];
        var (status, told) = await ImportAsync(daemon.Http, Ndjson, Encoding.UTF8.GetBytes(string.Join('\n', lines)));
        Assert.That((status, (int)told["added"]!, (int)told["refused"]!), Is.EqualTo((200, 1, 8)), told.ToJsonString());

        (status, told) = await ImportAsync(daemon.Http, Csv, [.. "bad"u8, 0xff, .. "@example.org\nb@example.org"u8]);
        Assert.That((status, (int)told["added"]!, (int)told["refused"]!), Is.EqualTo((200, 1, 1)), told.ToJsonString());
        await daemon.StopAsync();
    }

    [Test]
    public async Task BeyondTheQuota_422_WhatIsThereMayBeReplacedAndTheOperatorMayPutMore()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory, ("Tenants:MaxSuppressions", "1000"));
        using var acme = daemon.As(await daemon.MakeTenantAsync("acme"));
        Assert.That((await ImportAsync(acme, Csv, Lines(0, 1_000))).Status, Is.EqualTo(200));

        var (status, told) = await ImportAsync(acme, Csv, Lines(0, 1_001));
        Assert.That((status, (string)told["code"]!), Is.EqualTo((422, "quota_exceeded")), told.ToJsonString());
        Assert.That((string)told["detail"]!, Does.Contain("Tenants:MaxSuppressions"));
        (status, told) = await ImportAsync(acme, Csv, Lines(0, 1_000));
        Assert.That((status, (int)told["replaced"]!), Is.EqualTo((200, 1_000)));

        async Task<HttpStatusCode> Put(HttpClient http, string address)
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/suppressions");
            request.Content = JsonContent.Create(new { address, reason = "r" });
            if (http == daemon.Http)
                request.Headers.Add("X-Tenant", "acme");
            using var answer = await http.SendAsync(request);
            return answer.StatusCode;
        }

        Assert.That(await Put(acme, "r1@example.org"), Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await Put(acme, "new@example.org"), Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That(await Put(daemon.Http, "new@example.org"), Is.EqualTo(HttpStatusCode.Created));
        await daemon.StopAsync();
    }

    [Test]
    public async Task OnADiskThatIsLow_503_AndNothingIsPut()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory, ("Ingest:MinFreeBytes", "1000000000000000"));
        var (status, told) = await ImportAsync(daemon.Http, Csv, Lines(0, 3));
        Assert.That((status, (string)told["code"]!), Is.EqualTo((503, "disk_low")), told.ToJsonString());
        Assert.That((await daemon.GetAsync("/v1/suppressions"))["data"]!.AsArray(), Is.Empty);
        await daemon.StopAsync();
    }

    [Test]
    public async Task OfATenantThatIsGone_LeavesNothingToTheNextOfItsName()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await daemon.MakeTenantAsync("acme");
        Assert.That(await daemon.SendAsync(HttpMethod.Delete, "/v1/tenants/acme"), Is.EqualTo(HttpStatusCode.NoContent));
        var store = daemon.Services.GetRequiredService<ISuppressionStore>();
        var entry = new Suppression("acme", "no@example.org", "r", SuppressionSource.Api, 1);

        Assert.That((await store.PutAsync(entry, "ann"), await store.ImportAsync([entry])), Is.EqualTo(((bool?)null, (int?)null)));

        Assert.That(await store.CountAsync("acme", 10), Is.Zero);
        await daemon.StopAsync();
    }

    [TestCase("=1+1@example.org", "=HYPERLINK(1)")]
    [TestCase("+tag@example.org", "+1")]
    [TestCase("-@example.org", "-")]
    [TestCase("'+a@example.org", "'+a")]
    [TestCase("''a@example.org", "''")]
    [TestCase("'a@example.org", "'")]
    [TestCase("a'=b@example.org", "@SUM(A1)")]
    public void Csv_WhateverASpreadsheetWouldRun_ComesBackAsItWas(string address, string reason)
    {
        var entry = new Suppression("t", address, reason, SuppressionSource.Import, 1);

        var line = SuppressionEntries.Csv(entry);

        Assert.That(line[0], Is.Not.AnyOf('=', '+', '-', '@'));
        Assert.That(SuppressionEntries.OfCsv(line.TrimEnd('\r', '\n'), "t", 1).Entry, Is.EqualTo(entry));
    }
}
