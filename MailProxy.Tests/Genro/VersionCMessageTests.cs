using System.Net;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Messages of version C, and what its client reads of them.</summary>
internal sealed class VersionCMessageTests : GenroFixture
{
    private string _key = null!;

    protected override string Versions => "C";

    [SetUp]
    public async Task Prepare()
    {
        _key = (string)
            (
                await PostAsync(
                    "/tenants/add",
                    new
                    {
                        id = "acme",
                        name = "Acme",
                        client_base_url = ApplicationUrl,
                    }
                )
            ).Body!["api_key"]!;
        var account = new
        {
            id = "main",
            tenant_id = "acme",
            host = "127.0.0.1",
            port = _smtp.Port,
            use_tls = false,
        };
        Assert.That((int)(await PostAsync("/accounts/add", account)).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task Message_Added_IsSentReportedAndReadWithItsStatus()
    {
        var (status, made) = await PostAsync("/messages/add", One("m", new { cc = new[] { "c@example.org" }, priority = 1 }));
        Assert.That((int)status, Is.EqualTo(200), made?.ToJsonString());
        Assert.That(made!.AsObject().Select(static one => one.Key), Is.EqualTo(new[] { "id", "pk" }));
        var row = await ReadAsync("m", "sent");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)row["pk"], Is.EqualTo((string?)made["pk"]));
            Assert.That((long)row["smtp_ts"]!, Is.GreaterThan(1_700_000_000));
            Assert.That(((string?)row["tenant_id"], (string?)row["account_id"], (int)row["priority"]!), Is.EqualTo(("acme", "main", 1)));
            foreach (var name in new[] { "batch_code", "deferred_ts", "error_ts", "error" })
                Assert.That(row.ContainsKey(name) && row[name] is null, name);
            Assert.That(row["message"]!["to"]!.ToJsonString(), Is.EqualTo("""["b@example.org"]"""));
            Assert.That((string?)row["message"]!["from"], Is.EqualTo("a@example.com"));
            Assert.That((await ReportAsync()).Single().Select(static one => one.Key), Is.EqualTo(new[] { "id", "sent_ts" }));
        }
    }

    [Test]
    public async Task Status_OfEachState_IsTheClientsWord()
    {
        await PostAsync("/messages/add", One("bad", new { to = new[] { "perm@example.org" } }));
        await PostAsync("/messages/add", One("later", new { deferred_ts = 4_000_000_000 }));
        var failed = await ReadAsync("bad", "error");
        Assert.That(((string?)failed["error"], failed["smtp_ts"]), Is.Not.EqualTo(((string?)null, (JsonNode?)null)));
        Assert.That((long)(await ReadAsync("later", "deferred"))["deferred_ts"]!, Is.EqualTo(4_000_000_000));
        await PostAsync("/tenants/suspend_batch", new { tenant_id = "acme" });
        await PostAsync("/messages/add", One("held"));
        Assert.That((await ReadAsync("held", "pending"))["smtp_ts"], Is.Null);
        var (_, active) = await GetAsync("/messages/list?tenant_id=acme&active_only=true");
        Assert.That(active!.AsArray().Select(static row => (string?)row!["id"]), Is.EqualTo(new[] { "later", "held" }));
        Assert.That((await GetAsync("/messages/count_active")).Body!.ToJsonString(), Is.EqualTo("2"));
        Assert.That((await GetAsync("/messages/count_pending_for_tenant?tenant_id=acme")).Body!.ToJsonString(), Is.EqualTo("2"));
        Assert.That(
            (await GetAsync("/messages/count_pending_for_tenant?tenant_id=acme&batch_code=x")).Body!.ToJsonString(),
            Is.EqualTo("0")
        );
    }

    [Test]
    public async Task History_WhenAskedFor_IsThereWithNulls()
    {
        await PostAsync("/messages/add", One("m"));
        await ReadAsync("m", "sent");
        var (_, plain) = await GetAsync("/messages/list");
        Assert.That(plain!.AsArray().Single()!["history"], Is.Null);
        var (_, listed) = await GetAsync("/messages/list?include_history=true");
        var one = listed!.AsArray().Single()!["history"]!.AsArray().Single()!.AsObject();
        Assert.That((string?)one["event_type"], Is.EqualTo("sent"));
        Assert.That(one.ContainsKey("metadata") && one.ContainsKey("description") && one.ContainsKey("reported_ts"));
    }

    [Test]
    public async Task Batch_OfGoodAndBadMessages_SaysWhichFieldIsMissing()
    {
        string[] members = ["id", "tenant_id", "account_id", "from_addr", "to", "subject"];
        var messages = members.Select(member =>
        {
            var message = One("no-" + member);
            message.Remove(member);
            return message;
        });
        var empty = One("empty", new { subject = "" });
        var nothing = One("null", new { to = (string?)null });
        var wrong = One("wrong", new { account_id = "none" });
        var old = One("old", new { to = "b@example.org, c@example.org" });
        old.Remove("from_addr");
        old["from"] = "a@example.com";
        var (status, answer) = await PostAsync(
            "/messages/add_batch",
            new JsonObject { ["messages"] = new JsonArray([.. messages, empty, nothing, wrong, old]), ["default_priority"] = 3 }
        );
        Assert.That((status, (int)answer!["queued"]!), Is.EqualTo((HttpStatusCode.OK, 1)), answer.ToJsonString());
        Assert.That(
            answer["rejected"]!.AsArray().Select(static one => $"{(string?)one!["id"]}: {(string?)one["reason"]}"),
            Is.EqualTo(
                new[]
                {
                    ": Missing 'id' field",
                    "no-tenant_id: Missing 'tenant_id' field",
                    "no-account_id: Missing 'account_id' field",
                    "no-from_addr: Missing 'from' field",
                    "no-to: Missing 'to' field",
                    "no-subject: Missing 'subject' field",
                    "empty: Missing 'subject' field",
                    "null: Missing 'to' field",
                    "wrong: account not found for tenant",
                }
            )
        );
        Assert.That((int)(await ReadAsync("old", "sent"))["priority"]!, Is.EqualTo(3));
        Assert.That(_smtp.Taken.Single().Recipients, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Batch_OfNothingButMistakes_IsAnswered200()
    {
        var (status, answer) = await PostAsync("/messages/add_batch", new { messages = new[] { new { } } });
        Assert.That(
            ((int)status, answer!.ToJsonString()),
            Is.EqualTo((200, Same("""{"ok":true,"queued":0,"rejected":[{"id":null,"reason":"Missing 'id' field"}]}""")))
        );
        Assert.That((int)(await PostAsync("/messages/add_batch", new { messages = new[] { 5 } })).Status, Is.EqualTo(422));
    }

    [TestCase("""{"from":"a@example.com","from_addr":null}""", "from_addr")]
    [TestCase("""{"to":"b@example.org"}""", "to")]
    [TestCase("""{"body":null}""", "body")]
    [TestCase("""{"priority":"high"}""", "priority")]
    [TestCase("""{"content_type":"rtf"}""", "content_type")]
    [TestCase("""{"cc":"c@example.org"}""", "cc")]
    [TestCase("""{"headers":[]}""", "headers")]
    [TestCase("""{"attachments":{}}""", "attachments")]
    [TestCase("""{"deferred_ts":"soon"}""", "deferred_ts")]
    public async Task Message_WithAMistake_IsInvalid(string more, string member)
    {
        var message = One("m");
        foreach (var (name, value) in JsonNode.Parse(more)!.AsObject())
            message[name] = value?.DeepClone();
        var (status, answer) = await PostAsync("/messages/add", message);
        Assert.That(((int)status, (string?)answer!["detail"]![0]!["loc"]![1]), Is.EqualTo((422, member)), answer.ToJsonString());
    }

    [Test]
    public async Task Message_ThatCannotBeTaken_IsRefusedWithItsReason()
    {
        var (status, answer) = await PostAsync("/messages/add", One("m", new { account_id = "none" }));
        Assert.That(((int)status, (string?)answer!["detail"]), Is.EqualTo((400, "account not found for tenant")));
        await PostAsync("/messages/add", One("m"));
        await ReadAsync("m", "sent");
        (status, answer) = await PostAsync("/messages/add", One("m"));
        Assert.That(((int)status, (string?)answer!["detail"]), Is.EqualTo((400, "already sent")));
    }

    [Test]
    public async Task Waiting_AddedAgain_IsReplacedAndKeepsItsKey()
    {
        var (_, first) = await PostAsync("/messages/add", One("m", new { deferred_ts = 4_000_000_000 }));
        var (_, second) = await PostAsync("/messages/add", One("m", new { deferred_ts = 4_000_000_001, subject = "" }));
        Assert.That((string?)second!["pk"], Is.EqualTo((string?)first!["pk"]));
        Assert.That((long)(await ReadAsync("m", "deferred"))["deferred_ts"]!, Is.EqualTo(4_000_000_001));
    }

    [Test]
    public async Task Deletion_ByKeyAndById_SaysWhatWasThere()
    {
        var (_, made) = await PostAsync("/messages/add", One("m", new { deferred_ts = 4_000_000_000 }));
        await PostAsync("/messages/add", One("n", new { deferred_ts = 4_000_000_000 }));
        var pk = new { message_pk = (string?)made!["pk"] };
        await PostAsync("/tenants/add", new { id = "other" });
        var other = (string)(await PostAsync("/tenants/create_api_key", new { tenant_id = "other" })).Body!["api_key"]!;
        Assert.That((await PostAsync("/messages/delete", pk, other)).Body!.ToJsonString(), Is.EqualTo("false"), "another tenant's");
        Assert.That((await PostAsync("/messages/delete", pk, _key)).Body!.ToJsonString(), Is.EqualTo("true"));
        Assert.That((await PostAsync("/messages/delete", pk)).Body!.ToJsonString(), Is.EqualTo("false"));
        var (_, some) = await PostAsync("/messages/delete_batch", new { tenant_id = "acme", ids = new[] { "n", "m" } });
        Assert.That(some!.ToJsonString(), Is.EqualTo("""{"ok":true,"removed":1,"not_found":["m"],"unauthorized":null}"""));
        var (_, none) = await PostAsync("/messages/delete_batch", new { tenant_id = "acme", ids = Array.Empty<string>() });
        Assert.That(none!.ToJsonString(), Is.EqualTo("""{"ok":true,"removed":0,"not_found":null,"unauthorized":null}"""));
    }

    [Test]
    public async Task Cleanup_OfReportedMessages_HidesThem()
    {
        await PostAsync("/messages/add", One("m"));
        await ReportAsync();
        Assert.That((await GetAsync("/messages/cleanup?tenant_id=acme")).Body!.ToJsonString(), Is.EqualTo("""{"ok":true,"removed":0}"""));
        await Eventually.BecomesAsync(
            async () => (int)(await GetAsync("/messages/cleanup?tenant_id=acme&older_than_seconds=0")).Body!["removed"]!,
            static removed => removed == 1
        );
        Assert.That((int)(await GetAsync("/messages/get?tenant_id=acme&message_id=m")).Status, Is.EqualTo(404));
        Assert.That((await GetAsync("/messages/list", _key)).Body!.AsArray(), Is.Empty);
    }

    [Test]
    public async Task List_WithoutATenant_HasAllTenantsByPriorityAndTime()
    {
        await PostAsync("/tenants/add", new { id = "other" });
        await PostAsync(
            "/accounts/add",
            new
            {
                id = "main",
                tenant_id = "other",
                host = "127.0.0.1",
                port = _smtp.Port,
            }
        );
        await PostAsync("/messages/add", One("c", new { deferred_ts = 4_000_000_000, priority = 3 }));
        await PostAsync(
            "/messages/add",
            One(
                "a",
                new
                {
                    deferred_ts = 4_000_000_000,
                    tenant_id = "other",
                    priority = 0,
                }
            )
        );
        await PostAsync("/messages/add", One("b", new { deferred_ts = 4_000_000_000 }));
        Assert.That(Ids((await GetAsync("/messages/list")).Body!), Is.EqualTo(new[] { "a", "b", "c" }));
        Assert.That(Ids((await GetAsync("/messages/list", _key)).Body!), Is.EqualTo(new[] { "b", "c" }));
        Assert.That((await GetAsync("/messages/count_active", _key)).Body!.ToJsonString(), Is.EqualTo("2"));
        var (refused, _) = await PostAsync("/messages/add", One("d", new { tenant_id = "other" }), _key);
        Assert.That((int)refused, Is.EqualTo(401));
        (refused, _) = await PostAsync("/messages/add_batch", new { messages = new[] { One("d", new { tenant_id = "other" }) } }, _key);
        Assert.That((int)refused, Is.EqualTo(401));
    }

    [Test]
    public async Task RunNow_OfATenant_CallsItsApplication()
    {
        await _application.NextAsync();
        foreach (var (body, token) in new (object, string)[] { (new { tenant_id = "acme" }, Admin), (new { }, _key) })
        {
            Assert.That((await PostAsync("/instance/run_now", body, token)).Body!.ToJsonString(), Is.EqualTo("""{"ok":true}"""));
            await _application.NextAsync();
        }
    }

    private static JsonObject One(string id, object? more = null)
    {
        var message = Message(id, "acme", more);
        message["from_addr"] = "a@example.com";
        message.Remove("from");
        if (more?.GetType().GetProperty("to") is null)
            message["to"] = new JsonArray("b@example.org");
        return message;
    }

    private async Task<JsonObject> ReadAsync(string id, string status)
    {
        JsonObject? found = null;
        await Eventually.BecomesAsync(
            async () =>
            {
                found = (await GetAsync($"/messages/get?tenant_id=acme&message_id={id}")).Body as JsonObject;
                return (string?)found?["status"];
            },
            now => now == status
        );
        return found!;
    }

    private static IEnumerable<string> Ids(JsonNode list) => list.AsArray().Select(static one => (string)one!["id"]!);
}
