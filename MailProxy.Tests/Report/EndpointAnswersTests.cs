using System.Text;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Report;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

/// <summary>What is kept of the answers of webhooks, and what is shown of one.</summary>
[TestFixture]
internal sealed class EndpointAnswersTests
{
    [Test]
    public void Of_ManyAnswers_TheLastTwentyAndTheNewestFirst()
    {
        var answers = new EndpointAnswers();
        for (var n = 0; n < 30; n++)
            answers.Note(Endpoint("a", "w"), Answer(n));

        Assert.That(answers.Of("a", "w").Select(static one => one.At), Is.EqualTo(Enumerable.Range(10, 20).Reverse()));
        Assert.That(answers.Of("b", "w"), Is.Empty, "another tenant's webhook of the same name");
    }

    [Test]
    public void Note_OfMoreEndpointsThanAreKept_ForgetsTheOneThatAnsweredLongestAgo()
    {
        var answers = new EndpointAnswers();
        for (var n = 0; n < EndpointAnswers.MostEndpoints; n++)
            answers.Note(Endpoint("a", $"w{n}"), Answer(n));
        answers.Note(Endpoint("a", "w0"), Answer(0));
        answers.Note(Endpoint("a", "more"), Answer(0));

        Assert.That(answers.Of("a", "w0"), Has.Count.EqualTo(2));
        Assert.That(answers.Of("a", "w1"), Is.Empty);
        Assert.That(answers.Of("a", "more"), Has.Count.EqualTo(1));
    }

    [Test]
    public void KeepOnly_EndpointIsGone_ANewOneOfItsNameInheritsNothing()
    {
        var answers = new EndpointAnswers();
        answers.Note(Endpoint("a", "w"), Answer(1));
        answers.Note(Endpoint("a", "other"), Answer(1));

        answers.KeepOnly([Endpoint("a", "other")]);

        Assert.That(answers.Of("a", "w"), Is.Empty);
        Assert.That(answers.Of("a", "other"), Has.Count.EqualTo(1));
    }

    [TestCase("", null)]
    [TestCase(" \r\n\t", null)]
    [TestCase("no  such\r\nroute\u0000\u001b[31m", "no such route [31m")]
    public void Excerpt_OfText_IsALineWithoutControls(string body, string? expected) => Assert.That(Excerpt(body), Is.EqualTo(expected));

    [Test]
    public void Excerpt_OfALongAnswer_IsCut() => Assert.That(Excerpt(new string('x', 10_000)), Is.EqualTo(new string('x', 200)));

    [TestCase("you said Bearer tok-1234")]
    [TestCase("the secret is whsec_abcd, is it?")]
    public void Excerpt_OfAnAnswerThatRepeatsCredentials_IsNotShown(string body) =>
        Assert.That(Excerpt(body, new SourceAuth.Bearer("tok-1234")), Is.Null);

    [Test]
    public void Excerpt_OfAnAnswerThatRepeatsABasicHeader_IsNotShown()
    {
        var auth = new SourceAuth.Basic("user", "pass-word");
        var sent = Convert.ToBase64String("user:pass-word"u8);
        Assert.That(Excerpt($"Authorization: Basic {sent}", auth), Is.Null);
        Assert.That(Excerpt("hello user", auth), Is.EqualTo("hello user"));
    }

    private static string? Excerpt(string body, SourceAuth? auth = null)
    {
        using var request = new HttpRequestMessage();
        CredentialHeader.Add(request.Headers, auth);
        return AnswerExcerpt.Of(Encoding.UTF8.GetBytes(body), Endpoint("a", "w") with { Auth = auth }, request.Headers);
    }

    private static EndpointAnswer Answer(int at) => new($"msg_{at}", at, TimeSpan.Zero, 200, null, null);

    private static WebhookEndpoint Endpoint(string tenant, string id) =>
        new(tenant, id, "https://hook.example/", "whsec_abcd", [], FinalOnly: false, MaxBatch: 1, Paused: false);
}
