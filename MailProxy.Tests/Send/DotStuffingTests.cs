using System.Buffers;
using System.Text;
using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class DotStuffingTests
{
    [TestCase("", "")]
    [TestCase("a\r\n", "a\r\n")]
    [TestCase(".\r\n", "..\r\n")]
    [TestCase("a\r\n.\r\n", "a\r\n..\r\n")]
    [TestCase("a\r\n..b\r\n.c.\r\n", "a\r\n...b\r\n..c.\r\n")]
    [TestCase("a.\r\n\r\n.", "a.\r\n\r\n..")]
    [TestCase("a\n.b\r.c\r\n", "a\n.b\r.c\r\n")]
    public void Copy_WholeOrCutAnywhere_DoublesTheDotsThatBeginLines(string mail, string expected)
    {
        var bytes = Encoding.ASCII.GetBytes(mail);
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            var stuffed = new ArrayBufferWriter<byte>();
            DotStuffing.Copy(bytes, 0, cut, stuffed);
            DotStuffing.Copy(bytes, cut, bytes.Length, stuffed);
            Assert.That(Encoding.ASCII.GetString(stuffed.WrittenSpan), Is.EqualTo(expected), $"cut at {cut}");
        }
    }
}
