using System.Net;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Taking messages: what is refused and how, and priorities.</summary>
internal sealed class AddMessagesTests : GenroFixture
{
    [SetUp]
    public async Task Prepare()
    {
        await MakeTenantAsync("acme", reports: false);
        await MakeAccountAsync("acme");
    }

    [Test]
    public async Task Messages_OrdinaryOnes_AreQueuedAndSent()
    {
        var (status, answer) = await AddAsync(
            Message("m1", "acme"),
            Message("m2", "acme", new { to = new[] { "x@example.org", "y@example.org" } })
        );
        Assert.That((status, answer!.ToJsonString()), Is.EqualTo((HttpStatusCode.OK, """{"ok":true,"queued":2,"rejected":[]}""")));
        await RowAsync("acme", "m2", static row => row["sent_ts"] is not null);
        await RowAsync("acme", "m1", static row => row["sent_ts"] is not null);
        var mails = _smtp.Taken.ToArray();
        Assert.That(mails.Select(static mail => mail.Recipients.Count), Is.EquivalentTo(new[] { 1, 2 }));
    }

    [Test]
    public async Task Mail_OfAllMembers_IsAsTheySay()
    {
        await QueueAsync(
            Message(
                "_Ab9",
                "acme",
                new
                {
                    to = "Ann <ann@example.org>, b@example.org",
                    cc = "c@example.org",
                    bcc = new[] { "d@example.org" },
                    reply_to = "r@example.com",
                    return_path = "bounces@example.com",
                    message_id = "<own@example.com>",
                    body = "<p>Hi</p>",
                    content_type = "html",
                    headers = new Dictionary<string, object?>
                    {
                        ["X-Number"] = 7,
                        ["X-Null"] = null,
                        ["Subject"] = "Other",
                        ["Date"] = "no",
                    },
                }
            )
        );
        await RowAsync("acme", "_Ab9", static row => row["sent_ts"] is not null);
        var mail = _smtp.Taken.Single();
        var message = MimeKit.MimeMessage.Load(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(mail.Text)));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(mail.Sender, Is.EqualTo("bounces@example.com"));
            Assert.That(mail.Recipients, Is.EquivalentTo(new[] { "ann@example.org", "b@example.org", "c@example.org", "d@example.org" }));
            Assert.That(message.Headers["X-Genro-Mail-ID"], Is.EqualTo("_Ab9"));
            Assert.That(message.Headers["X-Number"], Is.EqualTo("7"));
            Assert.That(message.Headers.Contains("X-Null"), Is.False);
            Assert.That(message.Headers.Contains("Bcc"), Is.False);
            Assert.That(message.Subject, Is.EqualTo("Other"));
            Assert.That(message.MessageId, Is.EqualTo("own@example.com"));
            Assert.That(message.Headers["Date"], Is.Not.EqualTo("no").And.Not.Null);
            Assert.That(message.ReplyTo!.ToString(), Does.Contain("r@example.com"));
            Assert.That(message.Body!.ContentType.MimeType, Is.EqualTo("text/html"));
            Assert.That(message.HtmlBody!.Trim(), Is.EqualTo("<p>Hi</p>"));
        }
    }

    [TestCase("{}", "messages")]
    [TestCase("""{"messages":{}}""", "messages")]
    [TestCase("", null)]
    public async Task Request_WithoutMessages_IsInvalid(string body, string? member)
    {
        var (status, answer) = await PostAsync("/commands/add-messages", body);
        Assert.That((int)status, Is.EqualTo(422));
        var place = answer!["detail"]![0]!["loc"]!.AsArray();
        Assert.That(place.Select(static one => (string)one!), Is.EqualTo(member is null ? ["body"] : new[] { "body", member }));
    }

    [TestCase("{not json")]
    [TestCase("""{"messages":[{"id":"\ud800"}]}""")]
    [TestCase("""{"messages":[],"a\udc00":1}""")]
    public async Task Request_ThatIsNoJson_IsInvalid(string body)
    {
        var (status, answer) = await PostAsync("/commands/add-messages", body);
        Assert.That(((int)status, (string?)answer!["detail"]![0]!["type"]), Is.EqualTo((422, "json_invalid")));
    }

    [TestCase("subject", "missing")]
    [TestCase("id", "missing")]
    [TestCase("tenant_id", "missing")]
    [TestCase("account_id", "missing")]
    [TestCase("from", "missing")]
    [TestCase("to", "missing")]
    public async Task Message_TheOnlyOneWithoutAMember_RefusesTheRequest(string member, string type)
    {
        var message = Message("m", "acme");
        message.Remove(member);
        var (status, answer) = await AddAsync(message);
        var mistake = answer!["detail"]![0]!;
        Assert.That((int)status, Is.EqualTo(422), answer.ToJsonString());
        Assert.That(mistake["loc"]!.ToJsonString(), Is.EqualTo($"""["body","messages",0,"{member}"]"""));
        Assert.That((string?)mistake["type"], Is.EqualTo(type));
        Assert.That(mistake.AsObject().Select(static one => one.Key), Is.EquivalentTo(new[] { "type", "loc", "msg", "input" }));
    }

    [Test]
    public async Task Subject_EmptyBesideAGoodMessage_RefusesThatMessageOnly()
    {
        var (status, answer) = await AddAsync(Message("good", "acme"), Message("bad", "acme", new { subject = "" }));
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(answer!.ToJsonString(), Is.EqualTo("""{"ok":true,"queued":1,"rejected":[{"id":"bad","reason":"missing subject"}]}"""));
        Assert.That(await RowsAsync("acme"), Has.Length.EqualTo(1), "what was refused is not stored");
    }

    [TestCase("""{"id":""}""", "missing id")]
    [TestCase("""{"account_id":""}""", "missing account_id")]
    [TestCase("""{"from":" "}""", "missing from")]
    [TestCase("""{"to":""}""", "missing to")]
    [TestCase("""{"to":[]}""", "missing to")]
    [TestCase("""{"account_id":"none"}""", "account not found for tenant")]
    [TestCase("""{"tenant_id":"none"}""", "account not found for tenant")]
    public async Task Message_RefusedAlone_IsToldBesideTheDetailToo(string more, string reason)
    {
        var message = Message("m", "acme");
        foreach (var (name, value) in JsonNode.Parse(more)!.AsObject())
            message[name] = value?.DeepClone();
        var (status, answer) = await AddAsync(message);
        var rejected = answer!["detail"]!["rejected"]!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest), answer.ToJsonString());
            Assert.That((string?)rejected[0]!["reason"], Is.EqualTo(reason));
            Assert.That(answer["detail"]!.AsObject().ContainsKey("error"), Is.True);
            Assert.That(answer["detail"]!["error"], Is.Null);
            Assert.That(answer["rejected"]!.ToJsonString(), Is.EqualTo(rejected.ToJsonString()));
        }
    }

    [Test]
    public async Task Message_WithoutATenant_IsTheTokens()
    {
        var key = (string)(await PostAsync("/tenant/acme/api-key")).Body!["api_key"]!;
        var message = Message("m", "acme");
        message.Remove("tenant_id");
        var (status, answer) = await PostAsync("/commands/add-messages", new { messages = new[] { message } }, key);
        Assert.That((status, (int)answer!["queued"]!), Is.EqualTo((HttpStatusCode.OK, 1)));
    }

    [Test]
    public async Task Message_OfAnotherTenant_IsNotTheTokens()
    {
        var key = await MakeTenantAsync("other", reports: false);
        var (status, answer) = await PostAsync("/commands/add-messages", new { messages = new[] { Message("m", "acme") } }, key);
        Assert.That(((int)status, (string?)answer!["detail"]), Is.EqualTo((401, "Token not authorized for this tenant")));
        Assert.That(await RowsAsync("acme"), Is.Empty);
    }

    [Test]
    public async Task Messages_NoneAtAll_AreFine()
    {
        var (status, answer) = await AddAsync();
        Assert.That((status, answer!.ToJsonString()), Is.EqualTo((HttpStatusCode.OK, """{"ok":true,"queued":0,"rejected":[]}""")));
    }

    [Test]
    public async Task Messages_MoreThanAThousand_AreRefused()
    {
        var (status, answer) = await AddAsync([.. Enumerable.Range(0, 1_001).Select(n => Message($"m{n}", "acme"))]);
        Assert.That((int)status, Is.EqualTo(400), answer?.ToJsonString());
        Assert.That(await RowsAsync("acme"), Is.Empty);
    }

    [TestCase("0", null, 0)]
    [TestCase("3", null, 3)]
    [TestCase("9", null, 3)]
    [TestCase("-4", null, 0)]
    [TestCase("\"1\"", null, 1)]
    [TestCase("\"immediate\"", null, 0)]
    [TestCase("\"high\"", null, 1)]
    [TestCase("\"medium\"", null, 2)]
    [TestCase("\"low\"", null, 3)]
    [TestCase(null, null, 2)]
    [TestCase(null, "\"high\"", 1)]
    [TestCase("3", "0", 3)]
    public async Task Priority_AsItIsWritten_IsClampedAndHasADefault(string? own, string? usual, int priority)
    {
        var message = Message("m", "acme", new { deferred_ts = 4_000_000_000 });
        if (own is not null)
            message["priority"] = JsonNode.Parse(own);
        var request = new JsonObject { ["messages"] = new JsonArray(message) };
        if (usual is not null)
            request["default_priority"] = JsonNode.Parse(usual);
        Assert.That((await PostAsync("/commands/add-messages", request)).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((int)(await RowsAsync("acme")).Single()["priority"]!, Is.EqualTo(priority));
    }

    [TestCase("""{"from":"nonsense"}""")]
    [TestCase("""{"to":"nonsense"}""")]
    [TestCase("""{"id":"with blank"}""")]
    [TestCase("""{"headers":{"X-A":"b\r\nBcc: c@example.org"}}""")]
    [TestCase("""{"subject":"a\r\nBcc: c@example.org"}""")]
    public async Task Message_ThatCannotBeSent_IsRefusedAndNotStored(string more)
    {
        var message = Message("m", "acme");
        foreach (var (name, value) in JsonNode.Parse(more)!.AsObject())
            message[name] = value?.DeepClone();
        var (status, answer) = await AddAsync(message, Message("good", "acme"));
        Assert.That((status, (int)answer!["queued"]!), Is.EqualTo((HttpStatusCode.OK, 1)), answer.ToJsonString());
        Assert.That((string?)answer["rejected"]![0]!["reason"], Does.StartWith("invalid "));
        Assert.That((await RowsAsync("acme")).Select(static row => (string)row["id"]!), Is.EqualTo(new[] { "good" }));
    }

    [Test]
    public async Task Members_MistypedInEveryMessage_AreListedWithTheirPlaces()
    {
        var (status, answer) = await AddAsync(
            Message("a", "acme", new { subject = 5 }),
            Message("b", "acme", new { deferred_ts = "soon" })
        );
        var places = answer!["detail"]!.AsArray().Select(static one => one!["loc"]!.ToJsonString());
        Assert.That((int)status, Is.EqualTo(422));
        Assert.That(places, Is.EqualTo(new[] { """["body","messages",0,"subject"]""", """["body","messages",1,"deferred_ts"]""" }));
    }

    [Test]
    public async Task BatchCode_LongerThan64_IsInvalid() =>
        Assert.That((int)(await AddAsync(Message("m", "acme", new { batch_code = new string('b', 65) }))).Status, Is.EqualTo(422));

    [Test]
    public async Task Message_WithDigitsForNumbers_IsTaken()
    {
        await QueueAsync(Message("m", "acme", new { deferred_ts = "4000000000", unknown_member = true }));
        Assert.That((long)(await RowsAsync("acme")).Single()["deferred_ts"]!, Is.EqualTo(4_000_000_000));
    }

    [Test]
    public async Task Default_Tenant_StandsInForTheOperator()
    {
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        _daemon = await TestDaemon.StartAsync(_directory, [.. Settings, ("Genro:DefaultTenant", "acme")]);
        var message = Message("m", "acme");
        message.Remove("tenant_id");
        await QueueAsync(message);
        var (status, answer) = await GetAsync("/messages");
        Assert.That((status, answer!["messages"]!.AsArray().Count), Is.EqualTo((HttpStatusCode.OK, 1)));
    }

    [Test]
    public async Task State_OfTheirMessages_IsThisProgramsOwnToo()
    {
        await QueueAsync(Message("m", "acme"));
        await _daemon.EventsAsync(static e => e.Type == EventType.MessageSent, 1, tenant: "acme");
        using var http = _daemon.As((string)(await PostAsync("/tenant/acme/api-key")).Body!["api_key"]!);
        var message = JsonNode.Parse(await http.GetStringAsync("/v1/messages/m"))!;
        Assert.That((string?)message["status"], Is.EqualTo("sent"));
    }
}
