using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

[TestFixture]
internal sealed class LinkFootTests
{
    private static readonly long Until = new DateTimeOffset(2026, 12, 1, 8, 5, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    private static FileLink Link(string name = "plan.pdf", long size = 12_345_678, string url = "https://x.example/d/abc") =>
        new(0, name, size, url, Until);

    [Test]
    public void Text_TwoLinks_StandBelowWithSizeAndExpiry() =>
        Assert.That(
            LinkFoot.Text("Hello.", [Link(), Link("Übersicht.csv", 999)]),
            Is.EqualTo(
                "Hello.\r\n\r\nFiles to download:\r\n\r\nplan.pdf (12.3 MB, until 1 December 2026, 08:05 "
                    + "UTC)\r\nhttps://x.example/d/abc\r\n\r\nÜbersicht.csv (999 bytes, until 1 December 2026, 08:05 "
                    + "UTC)\r\nhttps://x.example/d/abc\r\n"
            )
        );

    [TestCase(null, "Files")]
    [TestCase("", "Files")]
    [TestCase("a", "a\r\n\r\nFiles")]
    [TestCase("a\r\n", "a\r\n\r\nFiles")]
    [TestCase("a\n", "a\n\r\nFiles")]
    public void Text_WhateverTheEnd_ABlankLineBetween(string? text, string beginning) =>
        Assert.That(LinkFoot.Text(text, [Link()]), Does.StartWith(beginning));

    [TestCase("<html><body><p>a</p></body></html>", "<html><body><p>a</p>", "</body></html>")]
    [TestCase("<HTML><BODY>a</BODY >\n</HTML>", "<HTML><BODY>a", "</BODY >\n</HTML>")]
    [TestCase("<html>a</html>", "<html>a", "</html>")]
    [TestCase("<p>a</p>", "<p>a</p>", "")]
    [TestCase("", "", "")]
    [TestCase("a</bodyguard>", "a</bodyguard>", "")]
    [TestCase("a</body></bodyguard>", "a", "</body></bodyguard>")]
    [TestCase("</body>", "", "</body>")]
    public void Html_Any_ListAtTheEndOfTheBody(string html, string before, string after)
    {
        var made = LinkFoot.Html(html, [Link()]);
        Assert.That(made, Does.StartWith(before + "\r\n<div").And.EndWith("</div>\r\n" + after));
    }

    [TestCase("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;")]
    [TestCase("a\"b'&.pdf", "a&quot;b&#39;&amp;.pdf")]
    [TestCase("evil\u202Efdp.exe", "evilfdp.exe")]
    [TestCase("two\r\nlines\u2028more", "two__lines_more")]
    [TestCase("", "attachment")]
    public void Html_HostileNames_AreHarmless(string name, string shown) =>
        Assert.That(LinkFoot.Html("x", [Link(name)]), Does.Contain($">{shown}</a>"));

    [Test]
    public void Html_AddressWithQuery_IsEscaped() =>
        Assert.That(
            LinkFoot.Html("x", [Link(url: "https://s3/a?b=1&c=\"2\"")]),
            Does.Contain("href=\"https://s3/a?b=1&amp;c=&quot;2&quot;\"")
        );

    [TestCase(0, "0 bytes")]
    [TestCase(1_500, "1.5 KB")]
    [TestCase(26_214_400, "26.2 MB")]
    [TestCase(5_000_000_000, "5 GB")]
    public void Text_Sizes_AreReadable(long size, string shown) =>
        Assert.That(LinkFoot.Text(null, [Link(size: size)]), Does.Contain($"({shown}, "));
}
