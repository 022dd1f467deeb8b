using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Send;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>The short way must write what MimeKit would.</summary>
internal sealed class HeaderLinesTests
{
    private static readonly string[] Values =
    [
        "", "Hi", "Your order 17", " leading", "trailing ", "two  spaces", "tab\there", "é", "=?utf-8?q?x?=", "a=?b", "\"quoted\" (comment) <angle>", "1: 2; 3, 4",
        new string('x', 69), new string('x', 70), new string('x', 200), string.Join(' ', Enumerable.Repeat("words", 11)), string.Join(' ', Enumerable.Repeat("words", 40)),
    ];

    private static readonly string[] Addresses =
    [
        "a@x.example", "Ann <a@x.example>", "Ann Lee 3 <a@x.example>", "\"Lee, Ann\" <a@x.example>", "Ann.Lee <a@x.example>", "O'Neil <o'neil+tag@x.example>", "Zoë <z@x.example>",
        "\"a b\"@x.example", "a@[127.0.0.1]", "a@xn--bcher-kva.example", "a@bücher.example", "ü@x.example", "Ann  Lee <a@x.example>", "=?x?= <a@x.example>",
        "A very long name that goes on and on and on and on and on for a while <a@x.example>", "a@" + new string('d', 60) + ".example",
    ];

    [TestCaseSource(nameof(Values))]
    public void Text_AnyValue_IsWhatMimeKitWrites(string value)
    {
        var expected = new MemoryStream();
        new HeaderList { new Header(Encoding.UTF8, "Subject", value) }.WriteTo(Format(), expected);
        Assert.That(Written(lines => lines.Text("Subject", value)) + "\r\n", Is.EqualTo(Encoding.UTF8.GetString(expected.ToArray())));
    }

    [TestCaseSource(nameof(Addresses))]
    public void Mailboxes_One_IsWhatMimeKitWrites(string address)
    {
        Assert.That(Pipeline.Mail.Addresses.Read(address, out var mailbox), Is.Null);
        var expected = new InternetAddressList([mailbox.ToMime()]).ToString(Format(), encode: true);
        Assert.That(Written(lines => lines.Mailboxes("From", [mailbox])), Is.EqualTo($"From: {expected}\r\n"));
    }

    [Test]
    public void Mailboxes_Several_AreFoldedByMimeKit()
    {
        Mailbox[] many = [.. Enumerable.Range(0, 9).Select(i => new Mailbox("Ann", $"ann{i}", "x.example"))];
        Assert.That(Written(lines => lines.Mailboxes("To", many)).Split("\r\n"), Has.Length.GreaterThan(2).And.All.Length.LessThanOrEqualTo(80));
    }

    private static string Written(Action<HeaderLines> write)
    {
        using var bytes = new PooledBytes(64);
        write(new(bytes, Format()));
        return Encoding.UTF8.GetString(bytes.Written);
    }

    private static FormatOptions Format()
    {
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        format.EnsureNewLine = true;
        return format;
    }
}
