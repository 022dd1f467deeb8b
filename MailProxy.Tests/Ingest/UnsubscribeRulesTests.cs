using NUnit.Framework;

namespace MailProxy.Tests.Ingest;

/// <summary>How a message may say that its recipient unsubscribes.</summary>
internal sealed class UnsubscribeRulesTests
{
    private const string Https = "https://mail.example/";

    [TestCase("""{"url":"https://x.example/u?id=1&t=a+b"}""")]
    [TestCase("""{"url":"http://x.example/u"}""")]
    [TestCase("""{"url":"https://bücher.example/ü,;()"}""")]
    [TestCase("""{"mailto":"a+b@x.example"}""")]
    [TestCase("""{"mailto":"\"a b\"@x.example"}""")]
    [TestCase("""{"mailto":"jürgen@bücher.example","url":null}""")]
    [TestCase("""{"url":"https://x.example/u","mailto":"u@x.example","one_click":"own"}""")]
    [TestCase("""{"one_click":"hosted"}""")]
    [TestCase("""{"one_click":"hosted","mailto":"u@x.example"}""")]
    [TestCase("null")]
    public void Unsubscribe_Good_IsTaken(string unsubscribe) =>
        Assert.That(Rules.JudgeWith($"\"unsubscribe\":{unsubscribe}", Rules.At(Https)).Problem, Is.Null);

    [TestCase("""{}""", "", "required")]
    [TestCase("""{"url":null}""", "", "required")]
    [TestCase("""7""", "", "invalid_type")]
    [TestCase("""{"url":7}""", "/url", "invalid_type")]
    [TestCase("""{"url":"https://x.example/","post":true}""", "/post", "unknown_field")]
    [TestCase("""{"url":""}""", "/url", "invalid_url")]
    [TestCase("""{"url":"mailto:a@x.example"}""", "/url", "invalid_url")]
    [TestCase("""{"url":"javascript:alert(1)"}""", "/url", "invalid_url")]
    [TestCase("""{"url":"https://user:pass@x.example/"}""", "/url", "invalid_url")]
    [TestCase("""{"url":"https://x.example/>, <https://evil.example/ "}""", "/url", "invalid_url")]
    [TestCase("""{"url":"https://x.example/\r\nBcc: b@y.example"}""", "/url", "header_injection")]
    [TestCase("""{"url":"https://x.example/\u0000"}""", "/url", "header_injection")]
    [TestCase("""{"url":"https://x.example/\u0001"}""", "/url", "control_character")]
    [TestCase("""{"url":"http://x.example/","one_click":"own"}""", "/url", "insecure_url")]
    [TestCase("""{"one_click":"own"}""", "/url", "required")]
    [TestCase("""{"mailto":"u@x.example","one_click":"own"}""", "/url", "required")]
    [TestCase("""{"url":"https://x.example/","one_click":"hosted"}""", "/url", "not_applicable")]
    [TestCase("""{"url":"https://x.example/","one_click":"yes"}""", "/one_click", "invalid_choice")]
    [TestCase("""{"url":"https://x.example/","one_click":"Own"}""", "/one_click", "invalid_choice")]
    [TestCase("""{"url":"https://x.example/","one_click":true}""", "/one_click", "invalid_type")]
    [TestCase("""{"mailto":"nobody"}""", "/mailto", "malformed_address")]
    [TestCase("""{"mailto":"mailto:u@x.example"}""", "/mailto", "malformed_address")]
    [TestCase("""{"mailto":"Ann <u@x.example>"}""", "/mailto", "malformed_address")]
    [TestCase("""{"mailto":"u@x.example\nBcc: b@y.example"}""", "/mailto", "header_injection")]
    public void Unsubscribe_WithAMistake_IsToldWhere(string unsubscribe, string pointer, string code) =>
        Assert.That(
            Rules.JudgeWith($"\"unsubscribe\":{unsubscribe}", Rules.At(Https)).Errors(),
            Is.EqualTo(new[] { ($"/unsubscribe{pointer}", code) })
        );

    [Test]
    public void Url_TooLong_IsRefusedAlsoWhenItBecomesSoByEncoding() =>
        Assert.That(
            new[] { new string('a', 900), new string('ü', 300) }.Select(path =>
                Rules.JudgeWith($$"""  "unsubscribe":{"url":"https://x.example/{{path}}"}""", Rules.At(Https)).Errors().Single()
            ),
            Is.All.EqualTo(("/unsubscribe/url", "too_long"))
        );

    [TestCase(null)]
    [TestCase("http://mail.example/")]
    public void Hosted_WithoutAnAddressThatRecipientsReach_IsRefused(string? publicUrl)
    {
        var refused = Rules.JudgeWith("\"unsubscribe\":{\"one_click\":\"hosted\"}", Rules.At(publicUrl));
        Assert.That(refused.Errors(), Is.EqualTo(new[] { ("/unsubscribe/one_click", "public_url_required") }));
        Assert.That(refused.Problem!.Errors[0].Detail, Does.Contain("Api:PublicUrl"));
    }

    [Test]
    public void Hosted_ForTwo_IsRefusedAndForOneNamedTwiceIsNot()
    {
        const string Hosted = "\"unsubscribe\":{\"one_click\":\"hosted\"}";
        Assert.That(
            Rules.JudgeWith("\"to\":[\"a@x.example\"],\"bcc\":\"b@x.example\"," + Hosted, Rules.At(Https)).Errors(),
            Is.EqualTo(new[] { ("/unsubscribe/one_click", "not_applicable") })
        );
        Assert.That(Rules.JudgeWith("\"to\":\"a@x.example\",\"cc\":\"a@X.example\"," + Hosted, Rules.At(Https)).Problem, Is.Null);
    }

    [TestCase("List-Unsubscribe")]
    [TestCase("list-unsubscribe-POST")]
    public void Headers_OfTheSameName_AreRefusedBesideItAndTakenWithoutIt(string name)
    {
        var headers = $$"""  "headers":{"{{name}}":"<https://x.example/>"}""";
        Assert.That(
            Rules.JudgeWith(headers + ",\"unsubscribe\":{\"mailto\":\"u@x.example\"}").Errors(),
            Is.EqualTo(new[] { ($"/headers/{name}", "reserved_header") })
        );
        Assert.That(Rules.JudgeWith(headers).Problem, Is.Null);
    }

    [Test]
    public void Raw_CarriesItItself() =>
        Assert.That(
            Rules
                .Judge("""{"to":"b@y.example","raw":"RnJvbTogYUB4LmV4YW1wbGUNCg0KeA0K","unsubscribe":{"mailto":"u@x.example"}}""")
                .Errors(),
            Is.EqualTo(new[] { ("/unsubscribe", "raw_excludes") })
        );
}
