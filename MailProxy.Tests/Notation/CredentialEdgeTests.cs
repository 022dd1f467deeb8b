using System.Text;
using System.Text.Json;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Api;
using MailProxy.Tests.Ingest;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Notation;

/// <summary>Credentials are the same, or the same mistake, for an attachment, a volume, a webhook and a tenant's endpoint.</summary>
[TestFixture]
public sealed class CredentialEdgeTests
{
    private ApiHost _host = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync();

    [OneTimeTearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    [SetUp]
    public async Task ForgetAsync()
    {
        _host.Configuration.Clear<Volume>();
        _host.Configuration.Clear<WebhookEndpoint>();
        await _host.Configuration.DeleteTenantAsync("acme", "test");
        await _host.LoadAsync();
    }

    private static IEnumerable<TestCaseData> Written() =>
        Table.Credentials.Select(
            (row, i) => new TestCaseData(row.Json, row.Auth, row.Fault) { TestName = $"{{m}}({i}: {Short(row.Json)})" }
        );

    [TestCaseSource(nameof(Written))]
    public void Attachment(string json, SourceAuth? expected, string? fault)
    {
        var members = $$"""
            "attachments":[{"filename":"a","source":"https://x.example/","auth":{{json}}}]
            """;
        var told = Rules.JudgeWith(members).Errors().Select(e => $"{e.Pointer} {e.Code}");
        Assert.That(told, Is.EqualTo(Mistakes("/attachments/0/auth", fault)));
        if (fault is not null)
            return;
        var mail = DraftBinder.BindOne(Encoding.UTF8.GetBytes(Rules.Message(members))).Mail!;
        Assert.That(AttachmentNotation.Fetched(mail).Single().Auth, Is.EqualTo(expected));
    }

    [TestCaseSource(nameof(Written))]
    public async Task Volume(string json, SourceAuth? expected, string? fault)
    {
        var config = $$"""{"base_url":"https://dav.example/","auth":{{json}}}""";
        using var answer = await _host.SendAsync("PUT", "/v1/volumes/files", $$"""{"backend":"http","config":{{config}}}""");
        Assert.That(await MistakesAsync(answer), Is.EqualTo(Mistakes("/config/auth", fault)));
        Assert.That((_host.Configuration.Values<Volume>().SingleOrDefault()?.Config as VolumeConfig.Http)?.Auth, Is.EqualTo(expected));
    }

    [TestCaseSource(nameof(Written))]
    public async Task Webhook(string json, SourceAuth? expected, string? fault)
    {
        using var answer = await _host.SendAsync("PUT", "/v1/webhooks/main", $$"""{"url":"https://x.example/","auth":{{json}}}""");
        Assert.That(await MistakesAsync(answer), Is.EqualTo(Mistakes("/auth", fault)));
        Assert.That(_host.Log.Endpoints.SingleOrDefault()?.Auth, Is.EqualTo(expected));
    }

    [TestCaseSource(nameof(Written))]
    public async Task TenantEndpoint(string json, SourceAuth? expected, string? fault)
    {
        var endpoint = $$"""{"url":"https://x.example/","auth":{{json}}}""";
        using var answer = await _host.SendAsync("PUT", "/v1/tenants/acme", $$"""{"name":"A","attachment_endpoint":{{endpoint}}}""");
        Assert.That(await MistakesAsync(answer), Is.EqualTo(Mistakes("/attachment_endpoint/auth", fault)));
        Assert.That(_host.CurrentTenants.Directory.Find("acme")?.AttachmentEndpoint?.Auth, Is.EqualTo(expected));
    }

    [TestCase("""{"user":"ann"}""", false, null)]
    [TestCase("""{"user":"ann","password_set":true}""", false, null)]
    [TestCase("""{"user":"bob"}""", false, "/password secret_required")]
    [TestCase("""{"user":"ann"}""", true, "/password secret_required")]
    [TestCase("""{"user":"ann","password":null}""", false, "/password required")]
    [TestCase("""{"header":"X-Key"}""", false, "/value required")]
    [TestCase("{}", false, " invalid_auth")]
    public void Kept_OnlyWhereItGoesToWhomItWasGivenFor(string json, bool moved, string? fault)
    {
        var stored = new SourceAuth.Basic("ann", "s3cret");
        var members = new MemberReader(JsonElement.Parse(json));
        var auth = SourceAuthFields.Bind(members, stored, moved);
        Assert.That(members.Refusal?.Problem.Errors.Select(e => $"{e.Pointer} {e.Code}") ?? [], Is.EqualTo(Mistakes("", fault)));
        Assert.That(auth, Is.EqualTo(fault is null ? stored : null));
    }

    [Test]
    public void Kept_StoredByAnEarlierVersion_IsNotJudgedAnew()
    {
        var stored = new SourceAuth.Bearer("two words");
        var members = new MemberReader(JsonElement.Parse("""{"bearer_set":true}"""));
        Assert.That(SourceAuthFields.Bind(members, stored, moved: false), Is.EqualTo(stored));
        Assert.That(members.Refusal, Is.Null);
    }

    private static string[] Mistakes(string at, string? fault) => fault is null ? [] : [at + fault];

    private static async Task<string[]> MistakesAsync(HttpResponseMessage answer)
    {
        if (answer.IsSuccessStatusCode)
            return [];
        var errors = (await answer.JsonAsync()).GetProperty("errors").EnumerateArray();
        return [.. errors.Select(e => $"{e.GetProperty("pointer")} {e.GetProperty("code")}")];
    }

    private static string Short(string json) => json.Length <= 60 ? json : json[..60] + "…";
}
