using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Ingest;

internal sealed class SubmissionRulesTests
{
    // One mistake each: the members that a good message gets or has instead, the pointer, the code.
    private static readonly object[][] Mistakes =
    [
        // ids and accounts
        ["\"id\":\"\"", "/id", "invalid_id"],
        ["\"id\":\".\"", "/id", "invalid_id"],
        ["\"id\":\"..\"", "/id", "invalid_id"],
        ["\"id\":\"a b\"", "/id", "invalid_id"],
        ["\"id\":\"a/b\"", "/id", "invalid_id"],
        ["\"id\":\"ä\"", "/id", "invalid_id"],
        ["\"id\":\"a\\nb\"", "/id", "invalid_id"],
        [$"\"id\":\"{new string('x', 129)}\"", "/id", "invalid_id"],
        ["\"account\":\"other\"", "/account", "unknown_account"],
        ["\"account\":\"\"", "/account", "unknown_account"],
        ["\"account\":\"MAIN\"", "/account", "unknown_account"],
        ["\"pool\":\"p\"", "/pool", "unknown_field"],
        ["\"To\":\"a@x\"", "/To", "unknown_field"],
        ["\"a/b~c\":1", "/a~1b~0c", "unknown_field"],
        ["\"\":1", "/", "unknown_field"],
        // from and return_path
        ["\"from\":null", "/from", "required"],
        ["\"from\":[]", "/from", "required"],
        ["\"from\":\"\"", "/from", "malformed_address"],
        ["\"from\":\"ann\"", "/from", "malformed_address"],
        ["\"from\":[\"ann\"]", "/from/0", "malformed_address"],
        ["\"from\":[\"a@x\",\"b@x\"]", "/from", "too_many_addresses"],
        ["\"from\":{\"email\":\"ann\"}", "/from/email", "malformed_address"],
        ["\"from\":{\"name\":\"Ann\"}", "/from/email", "malformed_address"],
        ["\"from\":{}", "/from/email", "malformed_address"],
        ["\"from\":7", "/from", "invalid_type"],
        ["\"from\":{\"email\":\"a@x\",\"mail\":\"a@x\"}", "/from/mail", "unknown_field"],
        ["\"from\":{\"email\":\"a@x\",\"a/b\":1}", "/from/a~1b", "unknown_field"],
        ["\"from\":{\"email\":\"a@x\",\"email\":\"b@x\"}", "/from/email", "duplicate_field"],
        ["\"from\":{\"email\":7}", "/from/email", "invalid_type"],
        ["\"from\":{\"email\":\"a@x\",\"name\":\"A\\r\\nBcc: b@y\"}", "/from/name", "header_injection"],
        ["\"from\":\"A\\nBcc: b@y <a@x>\"", "/from", "header_injection"],
        ["\"return_path\":\"bounce\"", "/return_path", "malformed_address"],
        ["\"return_path\":\"Ann <a@x>\"", "/return_path", "malformed_address"],
        ["\"return_path\":\"a@x>\\r\\nRCPT TO:<b@y\"", "/return_path", "header_injection"],
        // recipients
        ["\"to\":null", "/to", "recipient_required"],
        ["\"to\":[]", "/to", "recipient_required"],
        ["\"to\":[\"a@x\",\"b\"]", "/to/1", "malformed_address"],
        ["\"to\":[null]", "/to/0", "invalid_type"],
        ["\"to\":[[\"a@x\"]]", "/to/0", "invalid_type"],
        ["\"to\":true", "/to", "invalid_type"],
        ["\"to\":\"a@x,b@x\"", "/to", "malformed_address"],
        ["\"to\":\"a@x\\u0000\"", "/to", "header_injection"],
        ["\"cc\":\"a@x\\n\"", "/cc", "header_injection"],
        ["\"bcc\":[{\"email\":\"a@x\\r\"}]", "/bcc/0/email", "header_injection"],
        ["\"reply_to\":\"nobody\"", "/reply_to", "malformed_address"],
        ["\"reply_to\":[\"a@x\",{\"email\":\"b@x\",\"name\":\"B\\u0000\"}]", "/reply_to/1/name", "header_injection"],
        // content
        ["\"text\":null", "/text", "body_required"],
        ["\"subject\":\"Hello\\r\\nBcc: b@y\"", "/subject", "header_injection"],
        ["\"subject\":\"Hello\\nworld\"", "/subject", "header_injection"],
        ["\"subject\":\"\\u0000\"", "/subject", "header_injection"],
        ["\"subject\":\"bell\\u0007\"", "/subject", "control_character"],
        [$"\"subject\":\"{new string('x', 2001)}\"", "/subject", "too_long"],
        // headers
        ["\"headers\":{\"X-A\":\"1\\r\\nBcc: b@y\"}", "/headers/X-A", "header_injection"],
        ["\"headers\":{\"X-A\":\"1\\n\"}", "/headers/X-A", "header_injection"],
        ["\"headers\":{\"X-A\":\"\\u0000\"}", "/headers/X-A", "header_injection"],
        ["\"headers\":{\"X-A\\r\\nBcc\":\"b@y\"}", "/headers/X-A\r\nBcc", "header_injection"],
        ["\"headers\":{\"X A\":\"1\"}", "/headers/X A", "invalid_header"],
        ["\"headers\":{\"X-A:\":\"1\"}", "/headers/X-A:", "invalid_header"],
        ["\"headers\":{\"\":\"1\"}", "/headers/", "invalid_header"],
        ["\"headers\":{\"Ä\":\"1\"}", "/headers/Ä", "invalid_header"],
        ["\"headers\":{\"X/A\":null}", "/headers/X~1A", "invalid_type"],
        ["\"headers\":{\"X-A\":\"1\",\"x-a\":\"2\"}", "/headers/x-a", "duplicate_header"],
        ["\"headers\":{\"From\":\"a@x\"}", "/headers/From", "reserved_header"],
        ["\"headers\":{\"TO\":\"a@x\"}", "/headers/TO", "reserved_header"],
        ["\"headers\":{\"cc\":\"a@x\"}", "/headers/cc", "reserved_header"],
        ["\"headers\":{\"Bcc\":\"a@x\"}", "/headers/Bcc", "reserved_header"],
        ["\"headers\":{\"Subject\":\"a\"}", "/headers/Subject", "reserved_header"],
        ["\"headers\":{\"Date\":\"a\"}", "/headers/Date", "reserved_header"],
        ["\"headers\":{\"Sender\":\"a@x\"}", "/headers/Sender", "reserved_header"],
        ["\"headers\":{\"Reply-To\":\"a@x\"}", "/headers/Reply-To", "reserved_header"],
        ["\"headers\":{\"MIME-Version\":\"1.0\"}", "/headers/MIME-Version", "reserved_header"],
        ["\"headers\":{\"Content-Type\":\"text/plain\"}", "/headers/Content-Type", "reserved_header"],
        ["\"headers\":{\"content-transfer-encoding\":\"8bit\"}", "/headers/content-transfer-encoding", "reserved_header"],
        ["\"headers\":{\"Received\":\"a\"}", "/headers/Received", "reserved_header"],
        ["\"headers\":{\"Authentication-Results\":\"x; spf=pass\"}", "/headers/Authentication-Results", "reserved_header"],
        ["\"headers\":{\"Return-Path\":\"<>\"}", "/headers/Return-Path", "reserved_header"],
        ["\"headers\":{\"DKIM-Signature\":\"a\"}", "/headers/DKIM-Signature", "reserved_header"],
        ["\"headers\":{\"Resent-Bcc\":\"a@x\"}", "/headers/Resent-Bcc", "reserved_header"],
        ["\"headers\":{\"X-Mail-Key\":\"a/b\"}", "/headers/X-Mail-Key", "reserved_header"],
        ["\"headers\":{\"Message-ID\":\"nothing\"}", "/headers/Message-ID", "invalid_message_id"],
        ["\"headers\":{\"message-id\":\"<a@b> <c@d>\"}", "/headers/message-id", "invalid_message_id"],
        [$"\"headers\":{{\"X-A\":\"{new string('x', 999)}\"}}", "/headers/X-A", "invalid_header"],
        [$"\"headers\":{{\"X-A\":\"{string.Concat(Enumerable.Repeat("word ", 14_000))}\"}}", "/headers", "headers_too_large"],
        [$"\"headers\":{{\"X-SMTPAPI\":\"{new string('x', 988)}\"}}", "/headers/X-SMTPAPI", "invalid_header"],
        ["\"headers\":{\"References\":\"<ä@x>\"}", "/headers/References", "invalid_header"],
        ["\"headers\":{\"List-Unsubscribe\":\"ü <https://x>\"}", "/headers/List-Unsubscribe", "invalid_header"],
        ["\"headers\":{\"Disposition-Notification-To\":\"Jörg\"}", "/headers/Disposition-Notification-To", "invalid_header"],
        // domains
        ["\"to\":\"a@\u0378.example\"", "/to", "malformed_address"],
        ["\"from\":\"a@ü\u200Db.example\"", "/from", "malformed_address"],
        ["\"return_path\":\"a@-ü.example\"", "/return_path", "malformed_address"],
        // alternatives
        ["\"alternatives\":[null]", "/alternatives/0", "invalid_type"],
        ["\"alternatives\":{}", "/alternatives", "invalid_type"],
        ["\"alternatives\":[7]", "/alternatives/0", "invalid_type"],
        ["\"alternatives\":[{\"content_type\":\"text/calendar\"}]", "/alternatives/0/content", "required"],
        ["\"alternatives\":[{\"content\":\"x\"}]", "/alternatives/0/content_type", "required"],
        ["\"alternatives\":[{\"content_type\":7,\"content\":\"x\"}]", "/alternatives/0/content_type", "invalid_type"],
        [
            "\"alternatives\":[{\"content_type\":\"text/calendar\",\"content\":\"x\",\"filename\":\"f\"}]",
            "/alternatives/0/filename",
            "unknown_field",
        ],
        ["\"alternatives\":[{\"content_type\":\"calendar\",\"content\":\"x\"}]", "/alternatives/0/content_type", "invalid_content_type"],
        [
            "\"alternatives\":[{\"content_type\":\"text/calendar\\r\\nX: y\",\"content\":\"x\"}]",
            "/alternatives/0/content_type",
            "header_injection",
        ],
        ["\"alternatives\":[{\"content_type\":\"image/png\",\"content\":\"x\"}]", "/alternatives/0/content_type", "invalid_content_type"],
        [
            "\"alternatives\":[{\"content_type\":\"multipart/mixed\",\"content\":\"x\"}]",
            "/alternatives/0/content_type",
            "invalid_content_type",
        ],
        [
            "\"alternatives\":[{\"content_type\":\"text/x; charset=utf-16\",\"content\":\"x\"}]",
            "/alternatives/0/content_type",
            "invalid_content_type",
        ],
        [
            "\"alternatives\":[{\"content_type\":\"text/x; charset=iso-8859-1\",\"content\":\"中\"}]",
            "/alternatives/0/content_type",
            "invalid_content_type",
        ],
        [
            $"\"alternatives\":[{string.Join(',', Enumerable.Repeat("{\"content_type\":\"text/x\",\"content\":\"\"}", 11))}]",
            "/alternatives",
            "too_many_alternatives",
        ],
        [
            $"\"alternatives\":[{{\"content_type\":\"text/x\",\"content\":\"{new string('x', 5_242_881)}\"}}]",
            "/alternatives",
            "alternatives_too_large",
        ],
        // attachments
        [
            "\"attachments\":[{\"filename\":\"a\",\"content\":\"AA==\",\"content_type\":\"x/y; *=z\"}]",
            "/attachments/0/content_type",
            "invalid_content_type",
        ],
        ["\"attachments\":[null]", "/attachments/0", "invalid_type"],
        ["\"attachments\":[{\"content\":\"AA==\"}]", "/attachments/0/filename", "required"],
        ["\"attachments\":[{\"filename\":\"\",\"content\":\"AA==\"}]", "/attachments/0/filename", "required"],
        ["\"attachments\":[{\"filename\":\"a\\r\\nb\",\"content\":\"AA==\"}]", "/attachments/0/filename", "header_injection"],
        [$"\"attachments\":[{{\"filename\":\"{new string('x', 256)}\",\"content\":\"AA==\"}}]", "/attachments/0/filename", "too_long"],
        ["\"attachments\":[{\"filename\":\"a\"}]", "/attachments/0/content", "required"],
        ["\"attachments\":[{\"filename\":\"a\",\"content\":\"not base64!\"}]", "/attachments/0/content", "invalid_base64"],
        ["\"attachments\":[{\"filename\":\"a\",\"content\":\"AAA\"}]", "/attachments/0/content", "invalid_base64"],
        ["\"attachments\":[{\"filename\":\"a\",\"content\":\"AA==AA==\"}]", "/attachments/0/content", "invalid_base64"],
        ["\"attachments\":[{\"filename\":\"a\",\"content\":\"AAAA\\nAAAA\"}]", "/attachments/0/content", "invalid_base64"],
        ["\"attachments\":[{\"filename\":\"a\",\"content\":\"_-__\"}]", "/attachments/0/content", "invalid_base64"],
        [
            "\"attachments\":[{\"filename\":\"a\",\"content\":\"AA==\",\"content_type\":\"pdf\"}]",
            "/attachments/0/content_type",
            "invalid_content_type",
        ],
        [
            "\"attachments\":[{\"filename\":\"a\",\"content\":\"AA==\",\"content_type\":\"a/b; c\"}]",
            "/attachments/0/content_type",
            "invalid_content_type",
        ],
        [
            "\"attachments\":[{\"filename\":\"a\",\"content\":\"AA==\",\"content_type\":\"multipart/mixed\"}]",
            "/attachments/0/content_type",
            "invalid_content_type",
        ],
        [
            "\"attachments\":[{\"filename\":\"a\",\"content\":\"AA==\",\"content_type\":\"a/b\\r\\nX: y\"}]",
            "/attachments/0/content_type",
            "header_injection",
        ],
        ["\"attachments\":[{\"filename\":\"a\",\"content\":\"AA==\",\"inline_id\":\"\"}]", "/attachments/0/inline_id", "invalid_inline_id"],
        [
            "\"attachments\":[{\"filename\":\"a\",\"content\":\"AA==\",\"inline_id\":\"<a@b>\"}]",
            "/attachments/0/inline_id",
            "invalid_inline_id",
        ],
        [
            "\"attachments\":[{\"filename\":\"a\",\"content\":\"AA==\",\"inline_id\":\"a\\nb\"}]",
            "/attachments/0/inline_id",
            "header_injection",
        ],
        [
            "\"attachments\":[{\"filename\":\"a\",\"content\":\"AA==\",\"inline_id\":\"i\"},"
                + "{\"filename\":\"b\",\"content\":\"AA==\",\"inline_id\":\"i\"}]",
            "/attachments/1/inline_id",
            "duplicate_inline_id",
        ],
        ["\"attachments\":[{\"filename\":\"a\",\"source\":\"s3://b/k\"}]", "/attachments/0/source", "unsupported_scheme"],
        ["\"attachments\":[{\"filename\":\"a\",\"content\":\"AA==\",\"size\":1}]", "/attachments/0/size", "source_required"],
        ["\"attachments\":[{\"filename\":\"a\",\"content\":\"AA==\",\"name\":\"b\"}]", "/attachments/0/name", "unknown_field"],
        // order, times, labels
        ["\"priority\":\"urgent\"", "/priority", "invalid_priority"],
        ["\"priority\":\"High\"", "/priority", "invalid_priority"],
        ["\"priority\":4", "/priority", "invalid_priority"],
        ["\"priority\":-1", "/priority", "invalid_priority"],
        ["\"priority\":1.5", "/priority", "invalid_priority"],
        ["\"priority\":true", "/priority", "invalid_priority"],
        ["\"priority\":{}", "/priority", "invalid_priority"],
        ["\"send_at\":\"tomorrow\"", "/send_at", "invalid_time"],
        ["\"send_at\":\"2030-01-02\"", "/send_at", "invalid_time"],
        ["\"send_at\":\"2030-01-02T00:00:00\"", "/send_at", "invalid_time"],
        ["\"send_at\":-1", "/send_at", "invalid_time"],
        ["\"send_at\":1893586800000", "/send_at", "invalid_time"],
        ["\"send_at\":99999999999999999999", "/send_at", "invalid_time"],
        ["\"send_at\":[]", "/send_at", "invalid_time"],
        ["\"send_at\":\"2200-01-01T00:00:00Z\"", "/send_at", "out_of_range"],
        ["\"expires_at\":\"2030-01-01T11:59:59Z\"", "/expires_at", "expires_in_past"],
        ["\"expires_at\":\"2030-01-01T12:00:00Z\"", "/expires_at", "expires_in_past"],
        ["\"expires_at\":0", "/expires_at", "expires_in_past"],
        ["\"send_at\":\"2030-02-01T00:00:00Z\",\"expires_at\":\"2030-01-31T23:59:59Z\"", "/expires_at", "expires_before_send"],
        ["\"batch\":\"Spring Sale\"", "/batch", "invalid_id"],
        ["\"batch\":\"-a\"", "/batch", "invalid_id"],
        ["\"tags\":[\"\"]", "/tags/0", "invalid_tag"],
        ["\"tags\":[\"a\",null]", "/tags/1", "invalid_type"],
        ["\"tags\":[\"a\\nb\"]", "/tags/0", "header_injection"],
        [$"\"tags\":[\"{new string('x', 129)}\"]", "/tags/0", "too_long"],
        [$"\"tags\":[{string.Join(',', Enumerable.Range(1, 21).Select(number => $"\"{number}\""))}]", "/tags", "too_many_tags"],
        [$"\"metadata\":{{\"a\":\"{new string('x', 16 * 1024)}\"}}", "/metadata", "metadata_too_large"],
        ["\"on_ambiguous\":\"ask\"", "/on_ambiguous", "invalid_value"],
    ];

    [TestCaseSource(nameof(Mistakes))]
    public void Judge_OneMistake_IsToldWithPointerAndCode(string members, string pointer, string code)
    {
        var line = Rules.JudgeWith(members);

        Assert.That(line.Errors(), Is.EqualTo(new[] { (pointer, code) }));
        Assert.That((line.Mail, line.Problem!.Status, line.Problem.Code), Is.EqualTo(((object?)null, 422, code)));
    }

    [TestCase("\"id\":\"a.b_c:d@e-F9\"")]
    [TestCase("\"id\":\"...\"")]
    [TestCase("\"account\":\"main\"")]
    [TestCase("\"account\":null")]
    [TestCase("\"to\":[{\"email\":\"a@x\",\"name\":null}]")]
    [TestCase("\"cc\":[],\"bcc\":null")]
    [TestCase("\"text\":\"\"")]
    [TestCase("\"text\":\"line\\r\\nNUL \\u0000\"")]
    [TestCase("\"text\":null,\"html\":\"<p>\"")]
    [TestCase("\"subject\":\"\"")]
    [TestCase("\"subject\":\"tab\\tand 😀\"")]
    [TestCase("\"headers\":{\"X-A\":\"\",\"List-Unsubscribe\":\"<https://x>\",\"In-Reply-To\":\"<a@b>\"}")]
    [TestCase("\"headers\":{}")]
    [TestCase("\"attachments\":[]")]
    [TestCase(
        "\"attachments\":[{\"filename\":\"ä b.pdf\",\"content\":\"\",\"content_type\":\"text/plain; charset=\\\"utf-8\\\"; "
            + "format=flowed\",\"inline_id\":\"logo@x\"}]"
    )]
    [TestCase("\"send_at\":null,\"expires_at\":null,\"priority\":null,\"metadata\":null,\"tags\":null,\"headers\":null")]
    [TestCase("\"send_at\":0")]
    [TestCase("\"send_at\":\"2030-02-01T00:00:00Z\",\"expires_at\":\"2030-02-01T00:00:00Z\"")]
    [TestCase("\"metadata\":{\"a\":{\"b\":[1,null,\"ü\"]}}")]
    [TestCase("\"tags\":[]")]
    [TestCase("\"batch\":\"spring-2030_a\"")]
    public void Judge_GoodButOdd_IsAccepted(string members) => Assert.That(Rules.JudgeWith(members).Errors(), Is.Empty);

    [Test]
    public void Judge_SeveralMistakes_AreToldAtOnce()
    {
        var line = Rules.Judge(
            """{"id":"m-1","to":["a@x","b"],"cc":"c\n@x","priority":9,"send_at":"x","pool":"p","headers":{"Bcc":"x"}}"""
        );

        Assert.That(
            line.Errors(),
            Is.EquivalentTo(
                new[]
                {
                    ("/pool", "unknown_field"),
                    ("/from", "required"),
                    ("/to/1", "malformed_address"),
                    ("/cc", "header_injection"),
                    ("/text", "body_required"),
                    ("/headers/Bcc", "reserved_header"),
                    ("/send_at", "invalid_time"),
                    ("/priority", "invalid_priority"),
                }
            )
        );
        Assert.That((line.Id, line.Problem!.Code), Is.EqualTo(("m-1", "validation_failed")));
    }

    [Test]
    public void Judge_AThousandMistakes_TellsTheFirstHundredAndHowManyMore()
    {
        var line = Rules.JudgeWith($"\"to\":[{string.Join(',', Enumerable.Repeat("\"x\"", 1000))}]");

        Assert.That(line.Problem!.Errors, Has.Count.EqualTo(100));
        Assert.That(line.Problem.Detail, Does.Contain("900 more"));
    }

    [TestCase("X-Bounce-Key", "X-Mail-Key", "/headers/X-Bounce-Key")]
    [TestCase("", "X-Mail-Key", null)]
    public void Judge_HeaderThatSendAdds_IsTheOneRefused(string adds, string allowed, string? refused)
    {
        var rules = Rules.With(new(), adds, Rules.Account(1, "main"));
        Assert.That(Rules.JudgeWith($"\"headers\":{{\"{allowed}\":\"a/b\"}}", rules).Problem, Is.Null);
        if (refused is not null)
            Assert.That(
                Rules.JudgeWith($"\"headers\":{{\"{adds}\":\"a/b\"}}", rules).Errors(),
                Is.EqualTo(new[] { (refused, "reserved_header") })
            );
    }

    [Test]
    public void Judge_BadId_IsNotEchoed() => Assert.That(Rules.JudgeWith("\"id\":\"a b\"").Id, Is.Null);

    [Test]
    public void Judge_RefusedByTheBinder_KeepsTheProblemAndTheId()
    {
        var line = Rules.JudgeWith("\"id\":\"m-1\",\"subject\":7");

        Assert.That((line.Id, line.Errors()), Is.EqualTo(("m-1", new[] { ("/subject", "invalid_type") })));
    }

    [Test]
    public void Judge_NoId_MakesOneAndAMessageIdInTheSendersDomain()
    {
        var mail = Rules.JudgeWith("").Mail!;

        Assert.That(mail.Key, Is.EqualTo(new MessageKey("default", Rules.NextId.ToString())));
        Assert.That(mail.MessageIdHeader, Is.EqualTo($"<{Rules.NextId}@x.example>"));
        Assert.That(mail.ContentHash, Is.Null);
    }

    [Test]
    public void Judge_OwnId_IsKeptWithAHashOfTheContent()
    {
        var mail = Rules.JudgeWith("\"id\":\"m-1\"").Mail!;

        Assert.That((mail.Key.Id, mail.ContentHash), Is.EqualTo(("m-1", ContentHash.Of(mail.Body.Inline))));
    }

    [TestCase("\"headers\":{\"Message-ID\":\"<a.b@c>\"}", "<a.b@c>")]
    [TestCase("\"headers\":{\"message-id\":\" a.b@c \"}", "<a.b@c>")]
    public void Judge_OwnMessageId_IsUsed(string members, string header) =>
        Assert.That(Rules.JudgeWith(members).Mail!.MessageIdHeader, Is.EqualTo(header));

    [TestCase(null, null, 5 * 86_400)]
    [TestCase(null, 600, 600)]
    [TestCase(120, 600, 120)]
    public void Judge_WithoutExpiry_TheAccountsRuleThenTheTenantsThenOurs(int? account, int? tenant, int seconds)
    {
        TimeSpan? Of(int? given) => given is { } some ? TimeSpan.FromSeconds(some) : null;
        var tenants = new TenantDirectory([
            new()
            {
                Id = "default",
                Name = "default",
                ExpiresAfter = Of(tenant),
            },
        ]);
        var rules = Rules.With(new IngestOptions(), "X-Mail-Key", tenants, Rules.Account(1, "main") with { ExpiresAfter = Of(account) });
        Assert.That(Rules.JudgeWith("", rules).Mail!.ExpiresAt, Is.EqualTo(Rules.Now + seconds * 1000L));
    }

    [Test]
    public void Judge_PlainMessage_HasTheDefaults()
    {
        var mail = Rules.JudgeWith("").Mail!;

        Assert.That(
            (mail.Account, mail.Priority, mail.OnAmbiguous, mail.SendAt),
            Is.EqualTo((new AccountKey(1), Priority.Medium, AmbiguousPolicy.Retry, (long?)null))
        );
        Assert.That((mail.CreatedAt, mail.ExpiresAt), Is.EqualTo((Rules.Now, Rules.Now + 5 * 86_400_000L)));
        Assert.That(
            (mail.EnvelopeSender, mail.Batch, mail.Tags, mail.Metadata),
            Is.EqualTo(("ann@x.example", (string?)null, (string?)null, (string?)null))
        );
    }

    [Test]
    public void Judge_RecipientInSeveralLists_IsListedOnceInOrder()
    {
        var mail = Rules
            .JudgeWith(
                """
                "to":["b@y.example","Ann <a@y.example>"],"cc":["a@Y.Example","A@y.example",{"email":"c@bücher.example"}],"bcc":["c@xn--bcher-kva.example","d@y.example","b@y.example"]
                """.Trim()
            )
            .Mail!;

        Assert.That(
            mail.Recipients,
            Is.EqualTo(new[] { "b@y.example", "a@y.example", "A@y.example", "c@xn--bcher-kva.example", "d@y.example" })
        );
    }

    [Test]
    public void Judge_BccOnly_IsAccepted() =>
        Assert.That(Rules.Judge("""{"from":"a@x","bcc":"b@y","text":""}""").Mail!.Recipients, Is.EqualTo(new[] { "b@y" }));

    [TestCase(1000, true)]
    [TestCase(1001, false)]
    public void Judge_ManyRecipients_AreTakenUpToTheLimit(int count, bool good)
    {
        var line = Rules.JudgeWith(
            $"\"to\":\"x@y\",\"cc\":[{string.Join(',', Enumerable.Range(1, count - 1).Select(i => $"\"u{i}@y\""))}]"
        );

        Assert.That(line.Errors(), good ? Is.Empty : Is.EqualTo(new[] { ("/cc", "too_many_recipients") }));
    }

    [Test]
    public void Judge_AMillionAddresses_AreNotKept()
    {
        var line = Rules.JudgeWith(
            $"\"to\":[{string.Join(',', Enumerable.Repeat("\"b@y\"", 100_000))},{string.Join(',', Enumerable.Repeat("{}", 900_000))}]"
        );

        Assert.That(line.Errors(), Is.EqualTo(new[] { ("/to", "too_many_addresses") }));
    }

    [TestCase("\"return_path\":\"\"", "")]
    [TestCase("\"return_path\":\"<>\"", "")]
    [TestCase("\"return_path\":\"bounce@z.example\"", "bounce@z.example")]
    [TestCase("\"return_path\":null", "ann@x.example")]
    [TestCase("\"from\":\"Ann <ann@BÜCHER.example>\"", "ann@xn--bcher-kva.example")]
    public void Judge_ReturnPath_IsTheEnvelopeSender(string members, string sender) =>
        Assert.That(Rules.JudgeWith(members).Mail!.EnvelopeSender, Is.EqualTo(sender));

    [TestCase("0", Priority.Immediate)]
    [TestCase("3", Priority.Low)]
    [TestCase("\"1\"", Priority.High)]
    [TestCase("\"immediate\"", Priority.Immediate)]
    [TestCase("\"low\"", Priority.Low)]
    public void Judge_Priority_IsReadAsNameOrNumber(string written, Priority priority) =>
        Assert.That(Rules.JudgeWith($"\"priority\":{written}").Mail!.Priority, Is.EqualTo(priority));

    [TestCase("\"2030-01-02T00:00:00Z\"", 1_893_542_400_000)]
    [TestCase("1893542400", 1_893_542_400_000)]
    [TestCase("\"2030-01-01T11:00:00Z\"", null)]
    [TestCase("1893499200", null)]
    public void Judge_SendAt_IsKeptOnlyWhenAhead(string written, long? sendAt)
    {
        var mail = Rules.JudgeWith($"\"send_at\":{written}").Mail!;

        Assert.That((mail.SendAt, mail.ExpiresAt), Is.EqualTo((sendAt, (sendAt ?? Rules.Now) + 5 * 86_400_000L)));
    }

    [Test]
    public void Judge_Labels_AreKeptAsCompactJson()
    {
        var mail = Rules
            .JudgeWith(
                "\"tags\": [ \"a\", \"ü\\\"\" ], \"metadata\": { \"k\" : [ 1.50, null ] }, \"batch\": \"b1\", \"on_ambiguous\": "
                    + "\"assume_sent\""
            )
            .Mail!;

        Assert.That(
            (mail.Tags, mail.Metadata, mail.Batch, mail.OnAmbiguous),
            Is.EqualTo(("[\"a\",\"ü\\\"\"]", "{\"k\":[1.50,null]}", "b1", AmbiguousPolicy.AssumeSent))
        );
    }

    [Test]
    public void Judge_Body_IsTheJsonAsItCame()
    {
        var line = Rules.Judge(" \n{ \"from\" : \"a@x\", \"to\":\"b@y\",\"text\":\"ü\" } ");

        Assert.That(
            System.Text.Encoding.UTF8.GetString(line.Mail!.Body.Inline.Span),
            Does.Contain("{ \"from\" : \"a@x\", \"to\":\"b@y\",\"text\":\"ü\" }")
        );
        Assert.That(line.Mail.Body.Size, Is.EqualTo(line.Mail.Body.Inline.Length));
    }
}
