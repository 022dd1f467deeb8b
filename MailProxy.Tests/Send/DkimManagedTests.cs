using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>Keys that were made here: which of them sign, and that others verify what they signed.</summary>
internal sealed class DkimManagedTests
{
    private static readonly ManagedDkimKey Rsa = Active("x.example", "r", DkimAlgorithm.Rsa),
        Ed25519 = Active("x.example", "e", DkimAlgorithm.Ed25519),
        Deeper = Active("sub.x.example", "d", DkimAlgorithm.Ed25519),
        Pending = DkimKeyMaker.Make("sub.x.example", "p", DkimAlgorithm.Ed25519, 1),
        Retired = DkimKeyMaker.Make("old.x.example", "o", DkimAlgorithm.Ed25519, 1) with { State = DkimState.Retired };

    private static readonly DkimKey Given = new("given.example", "g", Ed25519.Key.PrivateKey);

    [TestCase("x.example", "r e")]
    [TestCase("X.Example", "r e")]
    [TestCase("sub.x.example", "d")]
    [TestCase("a.b.sub.x.example", "d")]
    [TestCase("other.x.example", "r e")]
    [TestCase("old.x.example", "r e")]
    [TestCase("y.example", "g")]
    [TestCase("notx.example", "g")]
    [TestCase("example", "g")]
    [TestCase(null, "g")]
    public void For_ADomain_IsItsOwnElseTheNearestAboveElseTheGivenOne(string? domain, string expected) =>
        Assert.That(
            string.Join(
                ' ',
                new SigningKeys(Given, [Pending, Rsa, Ed25519, Deeper, Retired]).For(domain).Select(static key => key.Selector)
            ),
            Is.EqualTo(expected)
        );

    [Test]
    public void For_NoKeyOfTheDomainAndNoneGiven_IsNone() =>
        Assert.That(new SigningKeys(null, [Rsa, Pending]).For("sub.y.example"), Is.Empty);

    [TestCase("""{"from":"Ann <a@x.example>","to":"b@y.example","subject":"Grüße","text":"t  \n\n"}""")]
    [TestCase("""{"to":"b@y.example","raw":"RnJvbTogIkEsIEIiIDxhQFguRXhhbXBsZT4NClN1YmplY3Q6IHMNCg0KYm9keSANCg0K"}""")]
    public async Task Compose_WithTwoKeys_HasTwoSignaturesThatOthersVerify(string json)
    {
        var mail = Compose(json, Rsa, Ed25519);
        byte[] spoilt = [.. mail, .. "more\r\n"u8];

        Assert.That(Encoding.UTF8.GetString(mail).Split("DKIM-Signature:"), Has.Length.EqualTo(3));
        Assert.That(await DkimPy.VerifyAsync("ed25519", Ed25519.PublicKey, [mail, spoilt]), Is.EqualTo(new[] { true, false }));
        Assert.That(await DkimPy.VerifyAsync("rsa", Rsa.PublicKey, [mail, spoilt], index: 1), Is.EqualTo(new[] { true, false }));
    }

    [Test]
    public void Compose_FromOfAnotherDomain_IsNotSigned() =>
        Assert.That(
            Encoding.UTF8.GetString(Compose("""{"from":"a@y.example","to":"b@y.example","text":"t"}""", Rsa)),
            Does.Not.Contain("DKIM-Signature")
        );

    [Test]
    public void Record_OfAnRsaKey_IsCutIntoStrings()
    {
        Assert.That(Rsa.RecordName, Is.EqualTo("r._domainkey.x.example"));
        Assert.That(Rsa.RecordValue, Does.StartWith("v=DKIM1; k=rsa; p=MII"));
        Assert.That(string.Concat(Rsa.RecordStrings), Is.EqualTo(Rsa.RecordValue));
        Assert.That(Rsa.RecordStrings.Select(static piece => piece.Length), Is.All.InRange(1, 255));
        Assert.That(Rsa.RecordStrings, Has.Count.EqualTo(2));
        Assert.That(Convert.FromBase64String(Ed25519.PublicKey), Has.Length.EqualTo(32));
        Assert.That($"{Rsa}{new SigningKeys(Given, [Rsa])}", Does.Not.Contain("PRIVATE"));
    }

    private static ManagedDkimKey Active(string domain, string selector, DkimAlgorithm algorithm) =>
        DkimKeyMaker.Make(domain, selector, algorithm, 1) with
        {
            State = DkimState.Active,
        };

    private static byte[] Compose(string json, params ManagedDkimKey[] keys)
    {
        using var rendered = new MimeComposer(new()).Compose(Sample.Content(json), [], [], new(null, keys));
        return rendered.Bytes.ToArray();
    }
}
