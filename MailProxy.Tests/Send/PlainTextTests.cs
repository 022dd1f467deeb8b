using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Send;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class PlainTextTests
{
    private static readonly string[] Plain =
    [
        "Hello",
        "Hello\n",
        "Hello\r\n",
        "Hello\r",
        "a\nb\r\nc\rd",
        "a\n\n\nb\n\n",
        "\n",
        "\r\n\r\n",
        ".\n..\n.x",
        " indented\n\ttab \n trailing  \n",
        "-- \nAnn",
        new string('x', 998),
        new string('x', 998) + "\r\n" + new string('y', 998),
    ];

    private static readonly string[] NotPlain = ["ü", "a\0b", new string('x', 999), "From the start\n", "a\nFrom here"];

    [TestCaseSource(nameof(Plain))]
    public void TryWrite_PlainText_GivesTheOctetsOfTheLongWay(string text)
    {
        using var bytes = new PooledBytes(64);
        Assert.That(PlainText.TryWrite(bytes, new() { Text = text }), Is.True);
        Assert.That(Encoding.ASCII.GetString(bytes.Written), Is.EqualTo(LongWay(text)));
    }

    [TestCaseSource(nameof(NotPlain))]
    public void TryWrite_AnythingElse_WritesNothing(string text)
    {
        using var bytes = new PooledBytes(64);
        Assert.That(PlainText.TryWrite(bytes, new() { Text = text }), Is.False);
        Assert.That(bytes.Length, Is.Zero);
    }

    [TestCase("")]
    [TestCase(null)]
    public void TryWrite_NoText_IsOneEmptyLine(string? text)
    {
        using var bytes = new PooledBytes(64);
        Assert.That(PlainText.TryWrite(bytes, new() { Text = text }), Is.True);
        Assert.That(Encoding.ASCII.GetString(bytes.Written), Does.EndWith("utf-8\r\n\r\n\r\n"));
    }

    [Test]
    public void TryWrite_TextWithOtherParts_WritesNothing()
    {
        using var bytes = new PooledBytes(64);
        Assert.That(PlainText.TryWrite(bytes, new() { Text = "t", Html = "<p>" }), Is.False);
        Assert.That(PlainText.TryWrite(bytes, new() { Text = "t", Attachments = [new() { Filename = "a", Content = "" }] }), Is.False);
        Assert.That(
            PlainText.TryWrite(bytes, new() { Text = "t", Alternatives = [new() { ContentType = "text/calendar", Content = "" }] }),
            Is.False
        );
        Assert.That(PlainText.TryWrite(bytes, new() { Html = "<p>" }), Is.False);
    }

    private static string LongWay(string text)
    {
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        format.EnsureNewLine = true;
        using var stream = new MemoryStream();
        MimeBody.Of(new MailDraft { Text = text }, [], [], Sample.Content()).WriteTo(format, stream);
        var written = Encoding.ASCII.GetString(stream.ToArray());
        return written.EndsWith("\r\n", StringComparison.Ordinal) ? written : written + "\r\n";
    }
}
