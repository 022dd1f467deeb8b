using System.Text;
using MailProxy.Daemon.Dashboard.Model;
using NUnit.Framework;

namespace MailProxy.Tests.Dashboard;

/// <summary>What views are made of.</summary>
[TestFixture]
internal sealed class DashboardModelTests
{
    [TestCase(null, "")]
    [TestCase("messages?q=a%3Ab", "messages?q=a%3Ab")]
    [TestCase("/messages", "messages")]
    [TestCase("//evil.example", "evil.example")]
    [TestCase("\\\\evil.example", "evil.example")]
    [TestCase("a\r\nSet-Cookie: x", "")]
    public void LocalPath_IsBelowThePage(string? given, string path) => Assert.That(LocalPath.Of(given), Is.EqualTo(path));

    [Test]
    public void LocalPath_With_EscapesAndLeavesOutWhatIsEmpty() =>
        Assert.That(
            LocalPath.With("messages?limit=5", ("q", "to:a@b.example & c"), ("cursor", null), ("tenant", "")),
            Is.EqualTo("messages?limit=5&q=to%3Aa%40b.example%20%26%20c")
        );

    [TestCase("st", new[] { "status:" })]
    [TestCase("to:a -st", new[] { "to:a -status:" })]
    [TestCase("status:de", new[] { "status:deferred" })]
    [TestCase("account:re", new[] { "account:relay", "account:relay2" })]
    [TestCase("account:\"", new string[0])]
    [TestCase("pool:na", new[] { "pool:\"name with blanks\"" })]
    [TestCase("status:deferred", new string[0])]
    public void Completion_GoesOnWithTheLastWord(string typed, string[] expected) =>
        Assert.That(SearchCompletion.For(typed, ["relay", "relay2", "other", "name with blanks"]), Is.EqualTo(expected));

    [Test]
    public void Completion_OfNothing_NamesTheKeys() =>
        Assert.That(SearchCompletion.For("", []), Does.Contain("to:").And.Contain("status:").And.Count.LessThanOrEqualTo(12));

    [TestCase("", "text/csv")]
    [TestCase("a@example.org,left\n", "text/csv")]
    [TestCase("\ufeff\r\n {\"address\":\"a@example.org\"}", "application/x-ndjson")]
    public void SuppressionFile_IsKnownByItsBeginning(string text, string type) =>
        Assert.That(SuppressionFile.TypeOf(Encoding.UTF8.GetBytes(text)), Is.EqualTo(type));

    [Test]
    public void Mail_WithPicturesOfItsOwn_ShowsThem_AndListsWhatIsAttached()
    {
        var source = (
            Encoding.ASCII.GetBytes(
                """
                From: a@example.com
                Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
                MIME-Version: 1.0
                Content-Type: multipart/mixed; boundary=o

                --o
                Content-Type: multipart/related; boundary=i

                --i
                Content-Type: text/html; charset=utf-8

                <img src="cid:logo@x">
                --i
                Content-Type: image/png
                Content-ID: <logo@x>
                Content-Transfer-Encoding: base64

                AQID
                --i--
                --o
                Content-Type: application/pdf; name=bill.pdf
                Content-Disposition: attachment; filename=bill.pdf
                Content-Transfer-Encoding: base64

                BAUG
                --o--

                """.Replace("\n", "\r\n", StringComparison.Ordinal)
            )
        );
        var mail = MailView.Read(source)!;
        var parts = MailContents.Load(source)!;

        Assert.That(MailContents.Html(parts), Does.Contain("src=\"data:image/png;base64,AQID\""));
        Assert.That(mail.Headers, Does.Contain(("Subject", "Grüße")));
        var bill = mail.Attachments.Single(static one => one.Name == "bill.pdf");
        Assert.That((bill.Type, bill.Bytes), Is.EqualTo(("application/pdf", 3L)));
        Assert.That(MailContents.Bytes(MailContents.Attached(parts).ElementAt(bill.Number)), Is.EqualTo(new byte[] { 4, 5, 6 }));
    }

    [TestCase("")]
    [TestCase("no header at all\r\n\r\n\0\0\0")]
    [TestCase("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x")]
    [TestCase("Content-Type: text/html; charset=no-such-charset\r\n\r\n<p>\xff</p>")]
    [TestCase("Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!")]
    public void Mail_ThatIsOdd_IsShownAsFarAsItGoes(string source)
    {
        var bytes = Encoding.Latin1.GetBytes(source);

        Assert.That(() => MailView.Read(bytes), Throws.Nothing);
        if (MailContents.Load(bytes) is { } mail)
            Assert.That(() => (MailContents.Html(mail), MailContents.Attached(mail).Select(MailContents.Bytes).ToArray()), Throws.Nothing);
    }

    /// <summary>A picture of a megabyte, named ten thousand times, would be ten gigabytes.</summary>
    [Test]
    public void Html_ThatNamesItsPictureAgainAndAgain_StaysWithinBounds()
    {
        var picture = Convert.ToBase64String(new byte[1 << 20]);
        var html = string.Concat(Enumerable.Repeat("<img src='cid:p'>", 10_000));
        var mail = MailContents.Load(
            Encoding.ASCII.GetBytes(
                "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
                    + html
                    + "\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <p>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                    + picture
                    + "\r\n--b--\r\n"
            )
        )!;

        Assert.That(MailContents.Html(mail)!.Length, Is.InRange(picture.Length, (16 << 20) + html.Length));
    }

    [Test]
    public void View_OfALargeMail_ShowsTheBeginningOfItsText()
    {
        var mail = MailView.Read(Encoding.ASCII.GetBytes("Subject: s\r\n\r\n" + new string('x', 5_000_000)))!;

        Assert.That(mail.Text!.Length, Is.LessThan(300_000));
    }

    [Test]
    public void Kinds_ShowOnlyMembersThatThereAre()
    {
        foreach (var kind in ResourceKind.All)
        {
            Assert.That(kind.Draft, Is.Not.Empty);
            foreach (var member in System.Text.Json.Nodes.JsonNode.Parse(kind.Draft)!.AsObject())
                Assert.That(kind.Writable, Does.Contain(member.Key), kind.Path);
        }
    }
}
