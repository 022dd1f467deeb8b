using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro.Import;

/// <summary>Messages that wait and messages that are over, in whatever state they are found.</summary>
[TestFixture]
internal sealed class MessageImportTests : ImportFixture
{
    [Test]
    public async Task Row_OfAWaitingMessage_IsAsTheRoutesWouldHaveMadeIt()
    {
        var (then, later) = (Now - 3_600, Now + 36_000);
        using (var old = Old())
        {
            AddBoth(old);
            AddMessage(
                old,
                "m",
                Payload(
                    "m",
                    new
                    {
                        to = "b@example.org, c@example.org",
                        cc = new[] { "d@example.org" },
                        content_type = "html",
                        priority = 1,
                        message_id = "<own@example.com>",
                        headers = new { X_Number = 3 },
                        retry_count = 2,
                        deferred_ts = 5,
                        attachments = new[]
                        {
                            new
                            {
                                filename = "a.txt",
                                storage_path = "base64:QQ==",
                                mime_type = (string?)null,
                                extra = 1,
                            },
                        },
                    }
                ),
                ("priority", 0),
                ("deferred_ts", later),
                ("created_at", DateTimeOffset.FromUnixTimeSeconds(then).ToString("yyyy-MM-dd HH:mm:ss")),
                ("batch_code", "Spring")
            );
        }

        var tally = await ImportAsync();
        Assert.That(tally.Of("deferred messages"), Is.EqualTo(1));
        await using var daemon = await StartAsync();
        var row = (await daemon.RowsAsync())["m"];
        Assert.That((int)row["priority"]!, Is.EqualTo(0), "the row's own");
        Assert.That((long)row["deferred_ts"]!, Is.EqualTo(later));
        Assert.That((string)row["created_at"]!, Is.EqualTo(DateTimeOffset.FromUnixTimeSeconds(then).ToString("yyyy-MM-dd'T'HH:mm:ss")));
        var message = row["message"]!;
        Assert.That((string)message["to"]!, Is.EqualTo("b@example.org, c@example.org"));
        Assert.That((string)message["content_type"]!, Is.EqualTo("html"));
        Assert.That((string)message["message_id"]!, Is.EqualTo("<own@example.com>"));
        Assert.That((int)message["retry_count"]!, Is.EqualTo(2));
        Assert.That((string)message["attachments"]![0]!["filename"]!, Is.EqualTo("a.txt"));
        var own = await daemon.OwnAsync("/messages/m");
        Assert.That(((string)own["status"]!, (int)own["attempts"]!), Is.EqualTo(("deferred", 2)));
        Assert.That(await daemon.AddAsync(Payload("m", new { subject = "New" })), Is.Null, "it may be replaced");
    }

    [TestCase(0L, "queued")]
    [TestCase(-5L, "queued")]
    [TestCase(long.MinValue, "queued")]
    [TestCase("soon", "queued")]
    [TestCase(1.5, "queued")]
    [TestCase(4_000_000_000L, "scheduled")]
    public async Task DeferredTime_WhateverItIs_IsReadAsATime(object time, string status)
    {
        using (var old = Old())
        {
            AddBoth(old);
            AddMessage(old, "m", null, ("deferred_ts", time));
        }

        await ImportAsync();
        await using var daemon = await StartAsync(("Schedule:Window", "100"));
        Assert.That((string)(await daemon.OwnAsync("/messages/m"))["status"]!, Is.AnyOf(status, "deferred"));
    }

    // Each refuses itself only.
    [TestCase("payload", "not json", "its payload is no JSON object")]
    [TestCase("payload", "[]", "its payload is no JSON object")]
    [TestCase("payload", "{\"from\":", "its payload is no JSON object")]
    [TestCase("payload", "{\"subject\":\"\\ud800\"}", "its payload is no JSON object")]
    [TestCase("payload", "{}", "missing from")]
    [TestCase("payload", "{\"from\":\"a@example.com\",\"subject\":\"s\"}", "missing to")]
    [TestCase("payload", "{\"from\":\"a@example.com\",\"to\":{},\"subject\":\"s\"}", "invalid to")]
    [TestCase("payload", "{\"from\":\"nobody\",\"to\":\"b@example.org\",\"subject\":\"s\"}", "invalid from")]
    [TestCase("payload", "{\"from\":\"a@example.com\\r\\nX: y\",\"to\":\"b@example.org\",\"subject\":\"s\"}", "invalid from")]
    [TestCase("payload", "{\"from\":\"a@example.com\",\"to\":\"b@example.org\",\"headers\":{\"a\":{}}}", "invalid headers.a")]
    [TestCase("payload", "{\"from\":\"a@example.com\",\"to\":\"b@example.org\",\"attachments\":\"x\"}", "invalid attachments")]
    [TestCase("payload", "{\"from\":\"a@example.com\",\"to\":\"b@example.org\",\"attachments\":[{}]}", "missing attachments.0.filename")]
    [TestCase("payload", "{\"from\":1e999,\"to\":\"b@example.org\"}", "invalid from")]
    [TestCase("id", "", "its id is none here")]
    [TestCase("id", "a b", "its id is none here")]
    [TestCase("id", "a\0b", "its id is none here")]
    [TestCase("id", "a\u202Eb", "its id is none here")]
    [TestCase("account_id", "other", "its account is not there")]
    [TestCase("account_id", null, "its account is not there")]
    [TestCase("tenant_id", "other", "its tenant is not there")]
    [TestCase("deferred_ts", 9_000_000_000_000_000L, "invalid")]
    [TestCase("deferred_ts", long.MaxValue, "invalid")]
    public async Task WaitingMessage_ThatCannotBeSent_IsLeftOutAlone(string column, object? value, string why)
    {
        using (var old = Old())
        {
            AddBoth(old);
            AddMessage(old, "good");
            if (column == "payload")
                AddMessage(old, "bad", value);
            else
                AddMessage(old, "bad", null, (column, value));
            AddMessage(old, "fine");
        }

        var tally = await ImportAsync();
        Assert.That(LeftOut(tally, "message").Single(), Does.Contain(why));
        await using var daemon = await StartAsync();
        Assert.That((await daemon.RowsAsync()).Keys, Is.EquivalentTo(new[] { "good", "fine" }));
    }

    [Test]
    public async Task Payload_OfOtherKinds_IsLeftOutAlone()
    {
        using (var old = Old())
        {
            AddBoth(old);
            AddMessage(old, "large", Payload("large", new { body = new string('x', 60 << 20) }));
            AddMessage(old, "octets", new byte[] { 0xFF, 0xFE, 0, 0x80 });
            AddMessage(old, "deep", string.Concat(Enumerable.Repeat("{\"a\":", 2_000)) + "1" + new string('}', 2_000));
            AddMessage(old, "number", null, ("payload", 5));
            AddMessage(old, "good");
        }

        var tally = await ImportAsync();
        Assert.That(LeftOut(tally, "message"), Has.Length.EqualTo(4));
        Assert.That(LeftOut(tally, "message")[0], Does.Contain("larger than"));
        Assert.That(tally.Of("waiting messages"), Is.EqualTo(1));
    }

    [Test]
    public async Task LargeBody_GoesToTheSpoolAndIsListed()
    {
        using (var old = Old())
        {
            AddBoth(old);
            AddMessage(old, "m", Payload("m", new { body = new string('x', 1 << 20) }));
        }

        await ImportAsync();
        Assert.That(Directory.EnumerateFiles(Path.Combine(Data, "spool")).Count(), Is.EqualTo(1));
        await using var daemon = await StartAsync();
        Assert.That(((string)(await daemon.RowsAsync())["m"]["message"]!["body"]!).Length, Is.EqualTo(1 << 20));
    }

    [Test]
    public async Task Rows_ThatAreThereTwice_CountOnce()
    {
        using (var old = Old())
        {
            AddBoth(old);
            old.Run("ALTER TABLE messages RENAME TO strict_messages; CREATE TABLE messages AS SELECT * FROM strict_messages");
            AddMessage(old, "m", Payload("m", new { subject = "First" }));
            AddMessage(old, "m", Payload("m", new { subject = "Second" }));
        }

        var tally = await ImportAsync();
        Assert.That(LeftOut(tally, "message"), Is.EqualTo(new[] { "acme/m: it is there twice" }));
        await using var daemon = await StartAsync();
        Assert.That((string)(await daemon.RowsAsync())["m"]["message"]!["subject"]!, Is.EqualTo("First"));
    }

    [Test]
    public async Task SentMessage_WhosePayloadNobodyCanRead_IsRememberedAllTheSame()
    {
        var then = Now - 60;
        using (var old = Old())
        {
            AddTenant(old, "acme", ("client_base_url", "http://192.0.2.1"));
            AddAccount(old);
            AddEvent(old, AddMessage(old, "m", "rubbish", ("smtp_ts", then)), "sent", then, ("reported_ts", then));
            AddMessage(old, "silent", "rubbish", ("smtp_ts", then));
            AddMessage(old, "future", "rubbish", ("smtp_ts", long.MaxValue), ("created_at", "9999-99-99"));
            AddMessage(old, "past", "rubbish", ("smtp_ts", -1L), ("created_at", -62_000_000_000L));
            AddEvent(old, AddMessage(old, "on its way"), "sent", then);
            AddEvent(old, AddMessage(old, "both", null, ("smtp_ts", then)), "error", then, ("reported_ts", then));
            old.Run(
                "INSERT INTO message_events (message_pk, event_type, event_ts, reported_ts) "
                    + "SELECT pk, 'sent', 5, 5 FROM messages WHERE id = 'both'"
            );
            old.Run("UPDATE messages SET id = 'on-its-way' WHERE id = 'on its way'");
        }

        var tally = await ImportAsync();
        Assert.That(tally.Of("sent messages, remembered"), Is.EqualTo(6));
        await using var daemon = await StartAsync();
        foreach (var id in new[] { "m", "silent", "future", "past", "on-its-way", "both" })
            Assert.That(await daemon.AddAsync(Payload(id)), Is.EqualTo("already sent"), id);
        var row = (await daemon.RowsAsync("acme", "&include_history=true"))["m"];
        Assert.That((long)row["sent_ts"]!, Is.EqualTo(then));
        Assert.That((string)row["history"]!.AsArray().Single()!["event_type"]!, Is.EqualTo("sent"));
        Assert.That((long)row["history"]![0]!["reported_ts"]!, Is.EqualTo(then));
    }

    [Test]
    public async Task VolumesOfAttachments_AreKnownByNameWhereTheVersionHadThem()
    {
        using (var old = Old(OldVersion.WithoutTenants))
        {
            AddAccount(old, null);
            old.Add("volumes", ("name", "files"), ("backend", "local"), ("config", $$"""{"path":"{{Path.GetDirectoryName(File)}}"}"""));
            foreach (var (id, path) in new[] { ("known", "files:a.txt"), ("unknown", "cloud:a.txt") })
            {
                var payload = Payload(id, new { subject = "", attachments = new[] { new { filename = "a.txt", storage_path = path } } });
                old.Add("messages", ("id", id), ("account_id", "main"), ("payload", payload.ToJsonString()));
            }
        }

        var tally = await ImportAsync("acme");
        Assert.That(LeftOut(tally, "message").Single(), Does.StartWith("acme/unknown: invalid attachments/0/storage_path"));
        Assert.That(tally.Of("waiting messages"), Is.EqualTo(1));
    }
}
