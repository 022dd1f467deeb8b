using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>List-Unsubscribe and List-Unsubscribe-Post as they go out, and that a signature covers them.</summary>
internal sealed class UnsubscribeHeadersTests
{
    private static readonly UnsubscribeLinks Links = new(new byte[32], new("https://mail.example/"), static _ => 1);

    [TestCase("""{"url":"https://x.example/u?id=1&t=a+b"}""", "<https://x.example/u?id=1&t=a+b>", false)]
    [TestCase(
        """{"url":"https://x.example/u","mailto":"u@x.example","one_click":"own"}""",
        "<https://x.example/u>, <mailto:u@x.example>",
        true
    )]
    [TestCase("""{"mailto":"a+b@x.example"}""", "<mailto:a+b@x.example>", false)]
    [TestCase("""{"mailto":"\"a b?\"@x.example"}""", "<mailto:%22a%20b%3F%22@x.example>", false)]
    [TestCase("""{"mailto":"jürgen@bücher.example"}""", "<mailto:j%C3%BCrgen@xn--bcher-kva.example>", false)]
    [TestCase("""{"url":"https://bücher.example/ü,>"}""", "<https://xn--bcher-kva.example/%C3%BC,%3E>", false)]
    public void Headers_OfEachKind_AreAsciiAndNothingMore(string unsubscribe, string expected, bool oneClick)
    {
        var lines = Unfolded(Compose(unsubscribe));

        Assert.That(
            lines.Where(static line => line.StartsWith("List-", StringComparison.Ordinal)),
            Is.EqualTo(
                oneClick
                    ? new[] { $"List-Unsubscribe: {expected}", "List-Unsubscribe-Post: List-Unsubscribe=One-Click" }
                    : [$"List-Unsubscribe: {expected}"]
            )
        );
    }

    [TestCase("ann@y.example")]
    [TestCase("a+b@y.example")]
    [TestCase("\"a b\"@y.example")]
    [TestCase("jürgen@y.example")]
    public void Hosted_NamesTheRecipient_AndIsTheSameInEachAttempt(string address)
    {
        var content = Sample.Content(recipients: address);
        var header = Header(Compose("""{"one_click":"hosted","mailto":"u@x.example"}""", content));

        Assert.That(header, Does.StartWith("<https://mail.example/u/").And.EndsWith(">, <mailto:u@x.example>"));
        var token = header["<https://mail.example/u/".Length..header.IndexOf('>')];
        Assert.That(Links.Read(token), Is.EqualTo(new UnsubscribeLink(1, content.Key, address)));
        Assert.That(Header(Compose("""{"one_click":"hosted","mailto":"u@x.example"}""", content)), Is.EqualTo(header));
    }

    [Test]
    public void Hosted_ThatCanNoLongerBeMade_IsNotSentWithout() =>
        Assert.That(
            () => new MimeComposer(new()).Compose(Content("""{"one_click":"hosted"}"""), [], [], null),
            Throws.InstanceOf<UnsendableException>()
        );

    [TestCase("""{"one_click":"hosted","mailto":"u@x.example"}""")]
    [TestCase("""{"url":"https://x.example/u","one_click":"own"}""")]
    public async Task Signature_CoversBoth(string unsubscribe)
    {
        var key = DkimKeyMaker.Make("x.example", "s", DkimAlgorithm.Rsa, 1) with { State = DkimState.Active };
        using var rendered = new MimeComposer(new(), Links).Compose(Content(unsubscribe), [], [], new(null, [key]));
        var mail = rendered.Bytes.ToArray();
        var text = Encoding.UTF8.GetString(mail);

        var signed = Unfolded(mail).Single(static line => line.StartsWith("DKIM-Signature:", StringComparison.Ordinal));
        var covered = signed.Split("h=")[1].Split(';')[0].Replace(" ", "", StringComparison.Ordinal).Split(':');
        Assert.That(covered, Does.Contain("list-unsubscribe").And.Contain("list-unsubscribe-post"));
        byte[] Changed(string was, string now)
        {
            Assert.That(text, Does.Contain(was));
            return Encoding.UTF8.GetBytes(text.Replace(was, now, StringComparison.Ordinal));
        }

        Assert.That(
            await DkimPy.VerifyAsync(
                "rsa",
                key.PublicKey,
                [
                    mail,
                    Changed("example/u", "example/v"),
                    Changed("=One-Click", "=Two-Click"),
                    Changed("List-Unsubscribe-Post:", "X-Other:"),
                ]
            ),
            Is.EqualTo(new[] { true, false, false, false })
        );
    }

    private static byte[] Compose(string unsubscribe, MailContent? content = null)
    {
        var json = (content ?? Sample.Content()) with { Json = Content(unsubscribe).Json };
        using var rendered = new MimeComposer(new(), Links).Compose(json, [], [], null);
        Assert.That(rendered.NeedsSmtpUtf8, Is.False);
        return rendered.Bytes.ToArray();
    }

    private static MailContent Content(string unsubscribe) =>
        Sample.Content($$"""{"from":"a@x.example","to":["b@y.example"],"subject":"Hi","text":"t","unsubscribe":{{unsubscribe}}}""");

    private static string Header(byte[] mail) =>
        Unfolded(mail).Single(static line => line.StartsWith("List-Unsubscribe:", StringComparison.Ordinal))["List-Unsubscribe: ".Length..];

    private static string[] Unfolded(byte[] mail)
    {
        var head = Encoding.ASCII.GetString(mail).Split("\r\n\r\n")[0];
        Assert.That(head.Split("\r\n"), Has.All.Length.LessThan(999));
        return head.Replace("\r\n ", " ", StringComparison.Ordinal).Replace("\r\n\t", " ", StringComparison.Ordinal).Split("\r\n");
    }
}
