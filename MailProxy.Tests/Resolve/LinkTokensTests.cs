using System.Buffers.Text;
using MailProxy.Pipeline.Resolve;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

[TestFixture]
internal sealed class LinkTokensTests
{
    private static readonly LinkTokens Tokens = new(new byte[32], new("https://mail.example/out"));

    [TestCase(1, 0)]
    [TestCase(long.MaxValue, 1_900_000_000_000)]
    public void Read_Made_ComesBack(long number, long expires) =>
        Assert.That(Tokens.Read(Tokens.Make(number, expires)), Is.EqualTo((number, expires)));

    [Test]
    public void Address_BaseWithoutSlash_IsKept() =>
        Assert.That(Tokens.Address(7, 8).AbsoluteUri, Is.EqualTo("https://mail.example/out/d/" + Tokens.Make(7, 8)));

    [Test]
    public void Read_AnyBitChanged_IsNotOurs()
    {
        var bytes = Base64Url.DecodeFromChars(Tokens.Make(7, 1_900_000_000_000));
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var changed = (byte[])bytes.Clone();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.That(Tokens.Read(Base64Url.EncodeToString(changed)), Is.Null, $"bit {bit}");
        }
    }

    [TestCase("")]
    [TestCase("abc")]
    [TestCase("../../etc/passwd")]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [TestCase("ÄAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void Read_Nonsense_IsNotOurs(string token) => Assert.That(Tokens.Read(token), Is.Null);

    [Test]
    public void Read_OfAnotherInstallation_IsNotOurs()
    {
        var other = new byte[32];
        other[31] = 1;
        Assert.That(Tokens.Read(new LinkTokens(other, null).Make(7, 8)), Is.Null);
    }
}
