using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro.Import;

/// <summary>A daemon goes on where each version stopped: it delivers what waits, and first reports what nobody was told.</summary>
[TestFixture]
internal sealed class EndToEndTests : ImportFixture
{
    private ScriptedSmtpServer _smtp = null!;
    private LoopbackWebhook _application = null!;
    private long _then;

    [SetUp]
    public async Task StartServersAsync()
    {
        _smtp = new();
        _application = await LoopbackWebhook.StartAsync();
        _then = Now - 7_200;
    }

    [TearDown]
    public async Task StopServersAsync()
    {
        await _smtp.DisposeAsync();
        await _application.DisposeAsync();
    }

    [TestCase(OldVersion.WithoutTenants)]
    [TestCase(OldVersion.WithoutKeys)]
    [TestCase(OldVersion.Production)]
    [TestCase(OldVersion.Generated)]
    [Category(TestDaemon.NamesFiles)]
    public async Task Daemon_OnAnImportedStore_SendsWhatWaitsAndReportsWhatNobodyWasTold(OldVersion version)
    {
        using (var old = Old(version))
            Fill(old, version);
        var environment = new Dictionary<string, string> { ["GMP_CLIENT_SYNC_URL"] = ApplicationUrl + "/mail-proxy/sync" };
        var tally = await ImportAsync(version == OldVersion.WithoutTenants ? "acme" : null, environment: environment);
        Assert.That(tally.Listed, Is.Empty, string.Join('\n', tally.Listed));

        await using var daemon = await StartAsync();
        var told = await ReportedAsync(4);
        Assert.That(told["sent"].ToJsonString(), Is.EqualTo($$"""{"id":"sent","sent_ts":{{_then}}}"""));
        Assert.That(told["failed"].ToJsonString(), Is.EqualTo($$"""{"id":"failed","error_ts":{{_then}},"error":"550 no such user"}"""));
        Assert.That(told["waits"].Select(static one => one.Key), Is.EqualTo(new[] { "id", "sent_ts" }));
        Assert.That(told["again"].Select(static one => one.Key), Is.EqualTo(new[] { "id", "sent_ts" }));
        Assert.That(_smtp.Mails, Has.Count.EqualTo(2));

        Assert.That(await daemon.AddAsync(Payload("sent", new { body = "Other" })), Is.EqualTo("already sent"));
        Assert.That(await daemon.AddAsync(Payload("old", new { body = "Other" })), Is.EqualTo("already sent"), "reported before");
        Assert.That(await daemon.AddAsync(Payload("failed")), Is.Null, "may come again");
        await ReportedAsync(1);
        Assert.That(_application.Hits.SelectMany(Entries).Select(static one => (string)one["id"]!), Is.EquivalentTo(Told));
    }

    private static readonly string[] Told = ["sent", "failed", "waits", "again", "failed"];

    private string ApplicationUrl => new Uri(_application.Url).GetLeftPart(UriPartial.Authority);

    private void Fill(OldDatabase old, OldVersion version)
    {
        var hasTenants = version != OldVersion.WithoutTenants;
        if (hasTenants)
            AddTenant(old, "acme", ("client_base_url", ApplicationUrl));
        (string, object?)[] server = [("pk", "account"), ("port", _smtp.Port)];
        var columns = version == OldVersion.Generated ? server : server[1..];
        (string, object?)[] account = [("id", "main"), ("host", "127.0.0.1"), ("use_tls", 0), .. columns];
        old.Add("accounts", hasTenants ? [("tenant_id", "acme"), .. account] : account);
        Message(old, version, "old", _then, null, _then + 5);
        Message(old, version, "sent", _then, null, null);
        Message(old, version, "failed", _then, "550 no such user", null);
        Message(old, version, "waits", null, null, null);
        Message(old, version, "again", null, null, null);
    }

    private void Message(OldDatabase old, OldVersion version, string id, long? endedAt, string? error, long? reportedAt)
    {
        var payload = Payload(id, new { retry_count = id == "again" ? 2 : 0 });
        if (version == OldVersion.Generated)
        {
            payload.Remove("id");
            payload.Remove("tenant_id");
            payload["from_addr"] = "a@example.com";
            payload.Remove("from");
        }

        List<(string, object?)> row = [("id", id), ("account_id", "main"), ("payload", payload.ToJsonString())];
        if (id == "again")
            row.Add(("deferred_ts", _then));
        if (version == OldVersion.WithoutTenants)
        {
            old.Add(
                "messages",
                [
                    .. row,
                    ("sent_ts", error is null ? endedAt : null),
                    ("error_ts", error is null ? null : endedAt),
                    ("error", error),
                    ("reported_ts", reportedAt),
                ]
            );
            return;
        }

        if (version != OldVersion.WithoutKeys)
            row.AddRange([("pk", "pk-" + id), ("tenant_id", "acme")]);
        old.Add("messages", [.. row, ("smtp_ts", endedAt)]);
        if (endedAt is not { } at)
            return;
        (string, object?)[] said =
        [
            ("event_type", error is null ? "sent" : "error"),
            ("event_ts", at),
            ("description", error),
            ("reported_ts", reportedAt),
        ];
        var key = version == OldVersion.WithoutKeys ? ("message_id", (object?)id) : ("message_pk", "pk-" + id);
        old.Add("message_events", [key, .. said]);
    }

    private static IEnumerable<JsonObject> Entries(WebhookHit hit) =>
        JsonNode.Parse(hit.Text)!["delivery_report"]!.AsArray().Select(static entry => entry!.AsObject());

    /// <summary>So many more entries, by id.</summary>
    private async Task<Dictionary<string, JsonObject>> ReportedAsync(int count)
    {
        var told = new Dictionary<string, JsonObject>();
        while (told.Count < count)
        {
            foreach (var entry in Entries(await _application.NextAsync()))
                told.Add((string)entry["id"]!, entry);
        }

        return told;
    }
}
