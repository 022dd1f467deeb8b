using MailProxy.Daemon.Genro;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>File names with markers, lists of addresses, batch codes.</summary>
public sealed class NotationTests
{
    private const string Md5 = "0123456789abcdef0123456789ABCDEF";

    [TestCase("plain__name_.pdf", "plain__name_.pdf", null)]
    [TestCase("invoice_{MD5:" + Md5 + "}.pdf", "invoice.pdf", Md5)]
    [TestCase("{MD5:" + Md5 + "}_a__b.pdf", "a_b.pdf", Md5)]
    [TestCase("a_{MD5:" + Md5 + "}_b.pdf", "a_b.pdf", Md5)]
    [TestCase("_a_{MD5:" + Md5 + "}_", "a", Md5)]
    [TestCase("{MD5:" + Md5 + "}", "attachment", Md5)]
    [TestCase("{MD5:12}.pdf", "{MD5:12}.pdf", null)]
    public void Name_WithAMarker_LosesIt(string written, string name, string? md5) =>
        Assert.That(AttachmentName.Read(written), Is.EqualTo((name, md5)));

    [TestCase("a@x", "a@x")]
    [TestCase(" a@x , b@x ,", "a@x|b@x")]
    [TestCase("\"Doe, Ann\" <a@x>, b@x", "\"Doe, Ann\" <a@x>|b@x")]
    [TestCase("\"a\\\"b, c\" <a@x>,b@x", "\"a\\\"b, c\" <a@x>|b@x")]
    [TestCase("", "")]
    [TestCase(" , ", "")]
    public void Addresses_WithCommas_AreSplit(string text, string expected) =>
        Assert.That(string.Join('|', AddressText.Split(text)), Is.EqualTo(expected));

    [TestCase("NL-1_a", "NL-1_a")]
    [TestCase("_x", "_x")]
    public void Batch_ThatIsAnId_IsItself(string code, string name) => Assert.That(GenroBatches.NameOf(code), Is.EqualTo(name));

    [Test]
    public void Batch_ThatIsNone_GoesByAHash()
    {
        Assert.That(GenroBatches.NameOf("a b"), Does.Match("^batch-[0-9a-f]{32}$"));
        Assert.That(GenroBatches.NameOf("a b"), Is.Not.EqualTo(GenroBatches.NameOf("a  b")));
    }
}
