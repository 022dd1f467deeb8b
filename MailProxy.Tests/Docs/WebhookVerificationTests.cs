using MailProxy.Pipeline.Network;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Docs;

[TestFixture]
internal sealed class WebhookVerificationTests
{
    private static readonly Document Page = Document.All.Single(document => document.Path == "docs/guide/webhooks.md");

    private const long SentAt = 1_800_000_000;

    private static readonly byte[] Body = "{\"type\":\"message.sent\"}"u8.ToArray();

    [Test]
    public void Guide_Example_IsTheCodeTestedHere()
    {
        var source = File.ReadAllText(Repository.File("MailProxy.Tests/Docs/WebhookVerification.cs"))
            .Split("// docs/guide/webhooks.md: from here\n")[1]
            .Split("        // docs/guide/webhooks.md: to here")[0];
        var unindented = string.Join(
            '\n',
            source.Split('\n').Select(line => line.StartsWith("        ", StringComparison.Ordinal) ? line[8..] : line)
        );
        Assert.That(Page.Fenced("csharp"), Is.EqualTo(unindented));
    }

    [TestCase(0, true)]
    [TestCase(300, true)]
    [TestCase(-301, false)]
    [TestCase(301, false)]
    public void Example_OurSignature_IsGenuineWhileFresh(long secondsLater, bool genuine) =>
        Assert.That(Check(Sign(Body), Body, secondsLater), Is.EqualTo(genuine));

    [Test]
    public void Example_OneOfTwoSignatures_IsEnough() => Assert.That(Check("v1,bm9uZQ== " + Sign(Body), Body), Is.True);

    [Test]
    public void Example_AnotherBody_IsNotGenuine() => Assert.That(Check(Sign(Body), [.. Body, (byte)' ']), Is.False);

    private static readonly string Secret = WebhookSignature.NewSecret();

    private static string Sign(byte[] body) => WebhookSignature.Sign(WebhookSignature.Key(Secret)!, "evt_1", SentAt, body);

    private static bool Check(string signatures, byte[] body, long secondsLater = 0) =>
        WebhookVerification.Check(
            Secret,
            "evt_1",
            $"{SentAt}",
            signatures,
            body,
            DateTimeOffset.FromUnixTimeSeconds(SentAt + secondsLater)
        );
}
