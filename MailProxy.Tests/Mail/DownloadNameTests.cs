using System.Net.Http.Headers;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

[TestFixture]
internal sealed class DownloadNameTests
{
    [TestCase("plan.pdf", "attachment; filename=\"plan.pdf\"")]
    [TestCase("a b (1).pdf", "attachment; filename=\"a b (1).pdf\"")]
    [TestCase("Übersicht.pdf", "attachment; filename=\"_bersicht.pdf\"; filename*=UTF-8''%C3%9Cbersicht.pdf")]
    [TestCase("a\"b.pdf", "attachment; filename=\"a_b.pdf\"; filename*=UTF-8''a%22b.pdf")]
    [TestCase("100%25.pdf", "attachment; filename=\"100_25.pdf\"; filename*=UTF-8''100%2525.pdf")]
    [TestCase("a;b.pdf", "attachment; filename=\"a_b.pdf\"; filename*=UTF-8''a%3Bb.pdf")]
    [TestCase("../../etc/passwd", "attachment; filename=\"_.._etc_passwd\"")]
    [TestCase("a\\b", "attachment; filename=\"a_b\"")]
    [TestCase("a\r\nSet-Cookie: x", "attachment; filename=\"a__Set-Cookie_ x\"; filename*=UTF-8''a__Set-Cookie%3A%20x")]
    [TestCase("evil\u202Efdp.exe", "attachment; filename=\"evilfdp.exe\"")]
    [TestCase("\u0000", "attachment; filename=\"_\"")]
    [TestCase("...", "attachment; filename=\"attachment\"")]
    [TestCase("", "attachment; filename=\"attachment\"")]
    [TestCase("😀.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%F0%9F%98%80.txt")]
    public void Header_Any_IsSafeAndWhole(string name, string header)
    {
        var made = DownloadName.Header(name);
        Assert.That(made, Is.EqualTo(header));
        Assert.That(made.All(c => c is >= ' ' and <= '~'));
        Assert.That(ContentDispositionHeaderValue.TryParse(made, out _));
    }
}
