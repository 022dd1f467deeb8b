using MailProxy.Pipeline.Network;
using NUnit.Framework;

namespace MailProxy.Tests.Network;

public sealed class WebhookSignatureTests
{
    // The example that the specification's own libraries are tested with.
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    [Test]
    public void Sign_ReferenceExample_IsTheReferenceSignature() =>
        Assert.That(
            WebhookSignature.Sign(WebhookSignature.Key(Secret)!, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, """{"test": 2432232314}"""u8),
            Is.EqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );

    [TestCase("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    [TestCase("whsec_")]
    [TestCase("whsec_not base64!")]
    [TestCase("")]
    public void Key_NoSuchSecret_IsNull(string secret) => Assert.That(WebhookSignature.Key(secret), Is.Null);

    [Test]
    public void NewSecret_Twice_AreTwoKeysOf32Bytes()
    {
        var (one, two) = (WebhookSignature.NewSecret(), WebhookSignature.NewSecret());

        Assert.Multiple(() =>
        {
            Assert.That(WebhookSignature.Key(one), Has.Length.EqualTo(32));
            Assert.That(one, Is.Not.EqualTo(two));
        });
    }
}
