using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class WireCheckTests
{
    private static readonly string Longest = new('x', 998);

    [TestCase("From: a@x\r\n\r\n.\r\n..\r\n\r\n")]
    [TestCase("\r\n")]
    public void Next_GoodMail_Passes(string mail) => Assert.That(() => Check(mail), Throws.Nothing);

    [Test]
    public void Next_LineOfTheGreatestLength_Passes() => Assert.That(() => Check($"{Longest}\r\n{Longest}\r\n"), Throws.Nothing);

    [TestCase("a\rb\r\n", "CR without LF")]
    [TestCase("a\r\r\n", "CR without LF")]
    [TestCase("a\nb\r\n", "LF without CR")]
    [TestCase("\n", "LF without CR")]
    [TestCase("a\0b\r\n", "NUL")]
    [TestCase("a\r\0\n", "CR without LF")]
    [TestCase("a\r", "line end")]
    [TestCase("a", "line end")]
    [TestCase("a\r\n.", "line end")]
    public void Next_OctetsThatNoMailMayHave_AreRefused(string mail, string what) =>
        Assert.That(() => Check(mail), Throws.TypeOf<UnsendableException>().With.Message.Contains(what));

    [Test]
    public void Next_LongerLine_IsRefused() =>
        Assert.That(() => Check($"a\r\n{Longest}x\r\n"), Throws.TypeOf<UnsendableException>().With.Message.Contains("998"));

    // Cut at every place, for blocks are cut anywhere.
    private static void Check(string mail)
    {
        var octets = Encoding.ASCII.GetBytes(mail);
        for (var cut = 0; cut <= octets.Length; cut++)
        {
            var check = new WireCheck();
            check.Next(octets.AsSpan(0, cut));
            check.Next(octets.AsSpan(cut));
            check.End();
        }
    }
}
