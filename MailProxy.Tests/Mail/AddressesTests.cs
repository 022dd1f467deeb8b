using System.Text;
using CsCheck;
using MailProxy.Pipeline.Mail;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

internal sealed class AddressesTests
{
    [TestCase("a@x", null, "a@x")]
    [TestCase("a@x.example", null, "a@x.example")]
    [TestCase("  a@x.example ", null, "a@x.example")]
    [TestCase("<a@x.example>", null, "a@x.example")]
    [TestCase("Ann <a@x.example>", "Ann", "a@x.example")]
    [TestCase("Ann<a@x.example>", "Ann", "a@x.example")]
    [TestCase("Ann B. Smith <a@x.example>", "Ann B. Smith", "a@x.example")]
    [TestCase("\"Smith, Ann\" <a@x.example>", "Smith, Ann", "a@x.example")]
    [TestCase("\"Ann \\\"Bee\\\" Smith\" <a@x.example>", "Ann \"Bee\" Smith", "a@x.example")]
    [TestCase("\"<b@y>\" <a@x.example>", "<b@y>", "a@x.example")]
    [TestCase("Ann (Sales) <a@x.example>", "Ann (Sales)", "a@x.example")]
    [TestCase("Jörg 😀 <a@x.example>", "Jörg 😀", "a@x.example")]
    [TestCase("=?utf-8?q?J=C3=B6rg?= <a@x.example>", "Jörg", "a@x.example")]
    [TestCase("a+tag/b=c!#$%&'*?^_`{|}~-@x.example", null, "a+tag/b=c!#$%&'*?^_`{|}~-@x.example")]
    [TestCase("\"john doe\"@x.example", null, "\"john doe\"@x.example")]
    [TestCase("\"john\"@x.example", null, "john@x.example")]
    [TestCase("\"a@b\"@x.example", null, "\"a@b\"@x.example")]
    [TestCase("\"a\\\"b\"@x.example", null, "\"a\\\"b\"@x.example")]
    [TestCase("\"\"@x.example", null, "\"\"@x.example")]
    [TestCase("a@[192.0.2.1]", null, "a@[192.0.2.1]")]
    [TestCase("a@[IPv6:2001:db8::1]", null, "a@[IPv6:2001:db8::1]")]
    [TestCase("jörg@x.example", null, "jörg@x.example")]
    [TestCase("用户@例子.测试", null, "用户@xn--fsqu00a.xn--0zwm56d")]
    [TestCase("a@bücher.example", null, "a@xn--bcher-kva.example")]
    [TestCase("a@BÜCHER.example", null, "a@xn--bcher-kva.example")]
    [TestCase("a@xn--bcher-kva.example", null, "a@xn--bcher-kva.example")]
    [TestCase("A.B@X.Example", null, "A.B@X.Example")]
    public void Read_GoodText_GivesNameAndAddress(string text, string? name, string address)
    {
        var fault = Addresses.Read(text, out var mailbox);

        Assert.That(fault, Is.Null);
        Assert.That((mailbox.Name, mailbox.Address), Is.EqualTo((name, address)));
    }

    [TestCase("")]
    [TestCase("   ")]
    [TestCase("a")]
    [TestCase("a@")]
    [TestCase("@x")]
    [TestCase("a@@x")]
    [TestCase("a@b@x")]
    [TestCase("a b@x")]
    [TestCase("a@x y")]
    [TestCase("a.@x")]
    [TestCase(".a@x")]
    [TestCase("a..b@x")]
    [TestCase("a@x.")]
    [TestCase("a@.x")]
    [TestCase("a@x..y")]
    [TestCase("a@-x")]
    [TestCase("a@x-")]
    [TestCase("a@x_y")]
    [TestCase("a@ü_.example")]
    [TestCase("a@[1.2.3]")]
    [TestCase("a@[300.1.1.1]")]
    [TestCase("a@[IPv6:nonsense]")]
    [TestCase("a@[IPv6:1.2.3.4]")]
    [TestCase("a@[]")]
    [TestCase("a@[x.example]")]
    [TestCase("<a@x")]
    [TestCase("a@x>")]
    [TestCase("Ann a@x>")]
    [TestCase("Ann <a@x> <b@x>")]
    [TestCase("Ann <<a@x>>")]
    [TestCase("Ann <>")]
    [TestCase("Ann <a@x")]
    [TestCase("\"Ann <a@x>")]
    [TestCase("\"a@x")]
    [TestCase("a@x, b@x")]
    [TestCase("a@x; b@x")]
    [TestCase("a@x, Bee <b@x>")]
    [TestCase("Friends: a@x;")]
    [TestCase("Friends: Ann <a@x>")]
    [TestCase("<@relay:a@x>")]
    [TestCase("<@one,@two:a@x>")]
    [TestCase("a(comment)@x")]
    [TestCase("a@x(comment)")]
    [TestCase("mailto:a@x")]
    [TestCase("a\\b@x")]
    [TestCase("a\u00A0b@x")]
    [TestCase("a\u202Eb@x")]
    [TestCase("a\u2028b@x")]
    [TestCase("a@x\u202Ey")]
    [TestCase("\uD800@x", Description = "half of a surrogate pair")]
    public void Read_NotAnAddress_IsRefused(string text) => Assert.That(Addresses.Read(text, out _)?.Code, Is.EqualTo("malformed_address"));

    [TestCase("a@x\r\nRCPT TO:<b@y>")]
    [TestCase("a@x\n")]
    [TestCase("\ra@x")]
    [TestCase("a\0@x")]
    [TestCase("\"a\r\nb\"@x")]
    [TestCase("Ann\r\nBcc: b@y <a@x>")]
    [TestCase("\"Ann\nBee\" <a@x>")]
    public void Read_LineBreakOrNul_IsHeaderInjection(string text) =>
        Assert.That(Addresses.Read(text, out _)?.Code, Is.EqualTo("header_injection"));

    [TestCase("a\t@x")]
    [TestCase("a\u0085@x")]
    [TestCase("A\u0007nn <a@x>")]
    public void Read_ControlCharacter_IsRefused(string text) =>
        Assert.That(Addresses.Read(text, out _)?.Code, Is.EqualTo("control_character"));

    [TestCase("=?utf-8?q?Ann=0D=0ABcc:_b@y?= <a@x>")]
    [TestCase("=?utf-8?b?QQBC?= <a@x>")]
    public void Read_ControlCharacterHiddenInAnEncodedWord_IsRefused(string text) => Assert.That(Addresses.Read(text, out _), Is.Not.Null);

    [TestCase(64, true)]
    [TestCase(65, false)]
    public void Read_LocalPartAtTheLimit_IsTakenUpTo64Octets(int length, bool good) =>
        Assert.That(Addresses.Read(new string('a', length) + "@x", out _) is null, Is.EqualTo(good));

    [TestCase(32, true)]
    [TestCase(33, false)]
    public void Read_InternationalLocalPart_IsCountedInOctets(int length, bool good) =>
        Assert.That(Addresses.Read(new string('ö', length) + "@x", out _) is null, Is.EqualTo(good));

    [TestCase(63, true)]
    [TestCase(64, false)]
    public void Read_Label_IsTakenUpTo63Octets(int length, bool good) =>
        Assert.That(Addresses.Read("a@" + new string('x', length) + ".example", out _) is null, Is.EqualTo(good));

    [TestCase(252, true)]
    [TestCase(253, false)]
    public void Read_LongDomain_IsTakenWhileThePathFits(int length, bool good)
    {
        var domain = string.Join('.', new string('x', 63), new string('x', 63), new string('x', 63));
        domain += "." + new string('y', length - domain.Length - 1);

        Assert.That(Addresses.Read("a@" + domain, out _) is null, Is.EqualTo(good));
    }

    [Test]
    public void Read_HugeText_IsRefused() =>
        Assert.That(
            Addresses.ReadBare("a@" + string.Concat(Enumerable.Repeat("ü.", 1_000_000)), out _)?.Code,
            Is.EqualTo("malformed_address")
        );

    [Test]
    public void Read_ObjectForm_TakesTheNameAsItIs()
    {
        var fault = Addresses.Read(new AddressDraft(null, "a@x", "=?utf-8?q?Smith, Ann?="), out var mailbox);

        Assert.That(fault, Is.Null);
        Assert.That(mailbox, Is.EqualTo(new Mailbox("=?utf-8?q?Smith, Ann?=", "a", "x")));
    }

    [TestCase(null, null, "/email", "malformed_address")]
    [TestCase("a", null, "/email", "malformed_address")]
    [TestCase("Ann <a@x>", null, "/email", "malformed_address")]
    [TestCase("a@x\n", null, "/email", "header_injection")]
    [TestCase("a@x", "Ann\nBcc: b@y", "/name", "header_injection")]
    [TestCase("a@x", "A\0nn", "/name", "header_injection")]
    public void Read_BadObjectForm_PointsAtTheMember(string? email, string? name, string at, string code)
    {
        var fault = Addresses.Read(new AddressDraft(null, email, name), out _);

        Assert.That((fault?.At, fault?.Code), Is.EqualTo((at, code)));
    }

    [Test]
    public void NeedsSmtpUtf8_InternationalDomainOnly_IsFalse()
    {
        Addresses.Read("a@bücher.example", out var domainOnly);
        Addresses.Read("jörg@bücher.example", out var local);

        Assert.That((domainOnly.NeedsSmtpUtf8, local.NeedsSmtpUtf8), Is.EqualTo((false, true)));
    }

    [Test]
    public void ByIdentity_DomainInOtherCase_IsTheSame()
    {
        Addresses.Read("Ann@X.example", out var one);
        Addresses.Read("Ann@x.EXAMPLE", out var two);
        Addresses.Read("ann@x.example", out var three);

        Assert.That(new HashSet<Mailbox>([one, two, three], Mailbox.ByIdentity), Is.EquivalentTo(new[] { one, three }));
    }

    [Test]
    public void Read_AnyText_NeverThrowsAndWhatItTakesSurvivesMime() =>
        Gen.OneOf(Gen.String, Gen.String[Gen.Char["ab@x.<>\"\\ ,;:()[]ö例=?\r\n\0-"], 0, 40])
            .Sample(
                text =>
                {
                    if (Addresses.Read(text, out var mailbox) is not null)
                        return true;
                    var mime = new MailboxAddress(Encoding.UTF8, mailbox.Name, mailbox.Address);
                    return MailboxAddress.TryParse(mime.ToString(true), out var again)
                        && Addresses.ReadBare(again.Address, out var same) is null
                        && Mailbox.ByIdentity.Equals(same, mailbox)
                        && !mime.ToString(true).Contains('\n', StringComparison.Ordinal);
                },
                iter: 20_000
            );
}
