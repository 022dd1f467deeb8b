using System.Text;
using MailProxy.Daemon.Sandbox;
using NUnit.Framework;

namespace MailProxy.Tests.Sandbox;

[TestFixture]
internal sealed class SmtpPathTests
{
    [TestCase("a@b.example", "a@b.example")]
    [TestCase("a.b+c@b", "a.b+c@b")]
    [TestCase("\"a b>\\\"c\"@b.example", "\"a b>\\\"c\"@b.example")]
    [TestCase("\"a@b\"@c.example", "\"a@b\"@c.example")]
    [TestCase("a@[127.0.0.1]", "a@[127.0.0.1]")]
    [TestCase("a@[IPv6:::1]", "a@[IPv6:::1]")]
    [TestCase("@one.example,@two.example:a@b.example", "a@b.example")]
    [TestCase("müller@exämple.org", "müller@exämple.org")]
    public void Read_WellFormed_TheAddress(string path, string address)
    {
        Assert.That(SmtpPath.Read(Encoding.UTF8.GetBytes(path), out var international), Is.EqualTo(address));
        Assert.That(international, Is.EqualTo(path.Contains('ü')));
    }

    [TestCase("")]
    [TestCase("a")]
    [TestCase("@b.example")]
    [TestCase("a@")]
    [TestCase(".a@b.example")]
    [TestCase("a.@b.example")]
    [TestCase("a..b@c.example")]
    [TestCase("a b@c.example")]
    [TestCase("a@b c")]
    [TestCase("a@b..c")]
    [TestCase("a@.b")]
    [TestCase("a@[127.0.0.1")]
    [TestCase("a@127.0.0.1]")]
    [TestCase("a@[]")]
    [TestCase("a(b)@c.example")]
    [TestCase("\"a@b.example")]
    [TestCase("\"a\"b\"@c.example")]
    [TestCase("\"a\\\"@b.example")]
    [TestCase("a\0b@c.example")]
    [TestCase("\"a\tb\"@c.example")]
    public void Read_Malformed_Null(string path) => Assert.That(SmtpPath.Read(Encoding.UTF8.GetBytes(path), out _), Is.Null);

    [Test]
    public void Read_InvalidUtf8_Null() => Assert.That(SmtpPath.Read([(byte)'a', 0xC3, (byte)'@', (byte)'b'], out _), Is.Null);

    [TestCase(64, true)]
    [TestCase(65, false)]
    public void Read_LocalPartLength_AtMost64(int length, bool taken) =>
        Assert.That(SmtpPath.Read(Encoding.UTF8.GetBytes(new string('a', length) + "@b.example"), out _), taken ? Is.Not.Null : Is.Null);
}
