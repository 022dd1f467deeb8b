using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Ingest;

internal sealed class SubmissionRulesTests
{
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
                    ("/pool", "unknown_pool"),
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
