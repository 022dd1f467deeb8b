using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Send;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class HeaderLinesTests
{
    private static readonly string[] Values =
    [
        "",
        "Hi",
        "Your order 17",
        " leading",
        "trailing ",
        " ",
        "   ",
        "two  spaces",
        "tab\there",
        "\ttab",
        "é",
        "a é b",
        "é  é",
        "é\té",
        "=?utf-8?q?x?=",
        "a=?b",
        "a =?x?Q?y z?= b",
        "\"quoted\" (comment) <angle>",
        "1: 2; 3, 4",
        "résumé " + new string('x', 300) + " é",
        "a" + new string(' ', 300) + "b",
        new string(' ', 2_000),
        "é" + new string('\t', 90) + "é",
        new string('x', 69),
        new string('x', 70),
        new string('x', 200),
        new string('x', 989),
        new string('x', 1_500),
        new string('ä', 100),
        string.Concat(Enumerable.Repeat("résumé ", 20)),
        string.Concat(Enumerable.Repeat("日本語の件名", 40)),
        string.Concat(Enumerable.Repeat("👨‍👩‍👧‍👦", 30)),
        string.Concat(Enumerable.Repeat("e\u0301\u0323", 90)),
        "a" + new string('\u0301', 90),
        "שלום עולם",
        "a\u2028b",
        "\u202Eabc",
        "\uFFFF",
        string.Join(' ', Enumerable.Repeat("words", 11)),
        string.Join(' ', Enumerable.Repeat("words", 40)),
    ];

    private static readonly string[] Names =
    [
        "Ann",
        "Ann Lee 3",
        "Lee, Ann",
        "Ann.Lee",
        "O'Neil",
        "Zoë",
        "Ann  Lee",
        " Ann ",
        "=?x?=",
        "=?utf-8?q?x?=",
        "\"CEO\" \\ (x)",
        new string('"', 600),
        string.Concat(Enumerable.Repeat("a,", 499)),
        new string('日', 900),
        string.Join(' ', Enumerable.Repeat("long", 150)),
        new string('x', 600),
        "Größe <a@b>",
        "名前, 苗字",
        "a\u00A0b",
        "👩‍💻 dev",
    ];

    [Test]
    public void Text_AnyValue_ReadsBackAndKeepsItsLines([Values] bool international, [ValueSource(nameof(Values))] string value)
    {
        var written = Written(lines => lines.Text("Subject", value), international);
        AssertLines(written, international);

        // MimeKit drops blanks at both ends, encoded ones too.
        Assert.That(Read(written).Headers["Subject"]?.Trim(), Is.EqualTo(value.Trim()));
    }

    [Test]
    public void Mailboxes_AnyName_ReadsBackAndKeepsItsLines([Values] bool international, [ValueSource(nameof(Names))] string name)
    {
        Mailbox[] mailboxes =
        [
            new(name, "a", "x.example"),
            new(null, "\"a b\"", "[127.0.0.1]"),
            new(name, new string('l', 64), new string('d', 60) + ".xn--mnchen-3ya.example"),
        ];
        var written = Written(lines => lines.Mailboxes("From", mailboxes), international);
        AssertLines(written, international);
        Assert.That(Read(written).From.Mailboxes.Select(m => m.Name ?? ""), Is.EqualTo(new[] { name, "", name }));
        Assert.That(mailboxes.All(m => written.Contains(m.Address, StringComparison.Ordinal)), written);
    }

    [Test]
    public void Mailboxes_AThousand_AreFoldedBetweenThem()
    {
        Mailbox[] mailboxes =
        [
            .. Enumerable.Range(0, 1_000).Select(static i => new Mailbox(i % 3 == 0 ? null : $"Ann {i}", $"ann{i}", "x.example")),
        ];
        var written = Written(lines => lines.Mailboxes("To", mailboxes));
        Assert.That(written.Split("\r\n"), Has.All.Length.LessThanOrEqualTo(78));
        Assert.That(
            Read(written).To.Mailboxes.Select(static m => $"{m.Name} {m.Address}"),
            Is.EqualTo(mailboxes.Select(static m => $"{m.Name} {m.Address}"))
        );
    }

    [TestCase("Re: Übung heute", "Subject: Re: =?utf-8?q?=C3=9Cbung?= heute\r\n")]
    [TestCase("ä", "Subject: =?utf-8?b?w6Q=?=\r\n")]
    [TestCase("東京", "Subject: =?utf-8?b?5p2x5Lqs?=\r\n")]
    [TestCase("a  äxx", "Subject: a =?utf-8?q?_=C3=A4xx?=\r\n")]
    public void Text_NotAscii_OnlyWhatMustIsEncoded(string value, string written) =>
        Assert.That(Written(lines => lines.Text("Subject", value)), Is.EqualTo(written));

    [Test]
    public void Text_International_IsFoldedAtBlanksOnly()
    {
        var chinese = new string('中', 100);
        Assert.That(Written(lines => lines.Text("Subject", chinese), international: true), Is.EqualTo($"Subject: {chinese}\r\n"));
        Assert.That(
            Written(lines => lines.Text("Subject", $"{chinese} {chinese}"), international: true),
            Is.EqualTo($"Subject: {chinese}\r\n {chinese}\r\n")
        );
    }

    [TestCase("X-SMTPAPI", "{\"unique_args\":{\"k\":\"" + Long + "\"}}")]
    [TestCase("X-SMTPAPI", "{\"a\": \"" + Long + "\", \"b\": \"" + Long + "\"}")]
    [TestCase("Archived-At", "<https://x.example/?q=" + Long + ">")]
    [TestCase("Thread-Index", Long + Long)]
    [TestCase("Autocrypt", "addr=a@x.example; keydata=" + Long + " " + Long)]
    [TestCase("References", "<" + Long + "@x.example> <" + Long + "@y.example>")]
    [TestCase("X-Query", "https://x.example/?a=?b&c=" + Long)]
    public void Client_LongTokens_StandLiterally(string name, string value)
    {
        var written = Written(lines => lines.Client(name, value));
        Assert.That(written.Replace("\r\n ", " ", StringComparison.Ordinal), Is.EqualTo($"{name}: {value}\r\n"));
    }

    [TestCase("List-Unsubscribe", "<https://example.com/u?x=ü>", "<https://example.com/u?x=%C3%BC>")]
    [TestCase(
        "List-Unsubscribe",
        "<mailto:u@münchen.example?subject=ä>, <https://münchen.example:8/ä>",
        "<mailto:u@xn--mnchen-3ya.example?subject=%C3%A4>,\r\n <https://xn--mnchen-3ya.example:8/%C3%A4>"
    )]
    [TestCase("Archived-At", "<https://x.example/中>", "<https://x.example/%E4%B8%AD>")]
    [TestCase("List-Id", "Übungen <list.x.example>", "=?utf-8?q?=C3=9Cbungen?= <list.x.example>")]
    [TestCase("List-Id", "\"Übungen, neu\" <list.x.example>", "=?utf-8?q?=C3=9Cbungen=2C_neu?= <list.x.example>")]
    [TestCase(
        "Disposition-Notification-To",
        "\"Jörg, M\" <j@x.example>, b@münchen.example",
        "=?utf-8?q?J=C3=B6rg=2C_M?= <j@x.example>,\r\n b@xn--mnchen-3ya.example"
    )]
    [TestCase("References", " <a@x.example>\t", "<a@x.example>")]
    [TestCase("X-Name", "naïve", "=?utf-8?q?na=C3=AFve?=")]
    public void Client_NotAscii_BecomesWhatItsSyntaxAllows(string name, string value, string expected)
    {
        Assert.That(Written(lines => lines.Client(name, value)), Is.EqualTo($"{name}: {expected}\r\n"));
        Assert.That(HeaderFields.Fault(name, value), Is.Null);
    }

    [TestCase("References", "<ä@x.example>")]
    [TestCase("Autocrypt", "addr=ä@x.example")]
    [TestCase("List-Unsubscribe", "ü <https://x.example>")]
    [TestCase("List-Unsubscribe", "<https://x\u0378.example>")]
    [TestCase("List-Id", "Liste <ü.example>")]
    [TestCase("Disposition-Notification-To", "jörg@x.example")]
    [TestCase("Disposition-Notification-To", "Jörg")]
    [TestCase("X-Token", "999")]
    [TestCase("List-Unsubscribe", "<https://x.example/999>")]
    public void Fault_WhatCannotBeWritten_NamesTheHeader(string name, string value) =>
        Assert.That(HeaderFields.Fault(name, value.Replace("999", new string('x', 999), StringComparison.Ordinal)), Does.Contain(name));

    [Test]
    public void Fault_TokenThatFillsTheLine_IsNone()
    {
        Assert.That(HeaderFields.Fault("X", new string('x', 995)), Is.Null);
        Assert.That(HeaderFields.Fault("X", new string('x', 996)), Is.Not.Null);
        Assert.That(HeaderFields.Fault("X", "y " + new string('x', 997)), Is.Null);
        Assert.That(HeaderFields.Fault("X", "y " + new string('x', 998)), Is.Not.Null);
        AssertLines(Written(lines => lines.Client("X", "y " + new string('x', 997))), international: false);
    }

    [Test]
    public void Client_LongestName_KeepsItsLines()
    {
        var name = new string('N', 76);
        var written = Written(lines => lines.Client(name, "日本語"));
        AssertLines(written, international: false);
        Assert.That(Read(written).Headers[name], Is.EqualTo("日本語"));
    }

    private const string Long =
        "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
        + "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";

    private static string Written(Action<HeaderLines> write, bool international = false)
    {
        using var bytes = new PooledBytes(64);
        write(new(bytes, international));
        return Encoding.UTF8.GetString(bytes.Written);
    }

    private static MimeMessage Read(string header) => MimeMessage.Load(new MemoryStream(Encoding.UTF8.GetBytes(header + "\r\nx\r\n")));

    private static void AssertLines(string written, bool international) =>
        MailLines.Check(Encoding.UTF8.GetBytes(written + "\r\n"), international);
}
