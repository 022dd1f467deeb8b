using CsCheck;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

internal sealed class DomainNamesTests
{
    [TestCase("x.example", "x.example")]
    [TestCase("XN--MNCHEN-3YA.example", "XN--MNCHEN-3YA.example")]
    [TestCase("münchen.example", "xn--mnchen-3ya.example")]
    [TestCase("MÜNCHEN.example", "xn--mnchen-3ya.example")]
    [TestCase("mu\u0308nchen.example", "xn--mnchen-3ya.example")]
    [TestCase("ｅｘａｍｐｌｅ.com", "example.com")]
    [TestCase("例子。测试", "xn--fsqu00a.xn--0zwm56d")]
    [TestCase("straße.example", "xn--strae-oqa.example")]
    [TestCase("ÅNGSTRÖM.example", "xn--ngstrm-hua5l.example")]
    [TestCase("نامه\u200Cای.example", "xn--mgba3gch31f060k.example")]
    [TestCase("ü\u00AD.example", "xn--tda.example")]
    public void ToAscii_NameThatCanExist_IsItsALabels(string name, string ascii) =>
        Assert.That(DomainNames.ToAscii(name), Is.EqualTo(ascii));

    [TestCase("\u0378.example")]
    [TestCase("a\u200Db.example")]
    [TestCase("\u0301a.example")]
    [TestCase("⒈com")]
    [TestCase("ü_.example")]
    [TestCase("-ü.example")]
    [TestCase("ü-.example")]
    [TestCase("ab--ü.example")]
    [TestCase("ü..example")]
    [TestCase("1א.example")]
    [TestCase("\u00AD.example")]
    [TestCase("ü.xn--a")]
    [TestCase("ü b.example")]
    public void ToAscii_NameThatIdnaDisallows_IsNone(string name)
    {
        Assert.That(DomainNames.ToAscii(name), Is.Null);
        Assert.That(Addresses.ReadBare("a@" + name, out _)?.Code, Is.EqualTo("malformed_address"));
    }

    [Test]
    public void ToAscii_Anything_IsALabelsThatStayAsTheyAre() =>
        Gen.OneOf(Gen.String, Gen.String[Gen.Char["aZ0-._ üßàΣς\u0308\u200C\u200D。．日本😀א١ａ\u00AD\uFEFF\uD83D\uDE00"], 0, 80])
            .Sample(
                name =>
                {
                    if (DomainNames.ToAscii(name) is not { } ascii || System.Text.Ascii.IsValid(name))
                        return;
                    Assert.That(System.Text.Ascii.IsValid(ascii), ascii);
                    Assert.That(DomainNames.ToAscii(ascii), Is.EqualTo(ascii));
                },
                iter: 20_000
            );
}
