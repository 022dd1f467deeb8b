using System.Text;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>What holds for every line of a composed mail.</summary>
internal static partial class MailLines
{
    public static void Check(ReadOnlySpan<byte> mail, bool international)
    {
        var text = Encoding.UTF8.GetString(mail);
        Assert.That(text, Does.EndWith("\r\n"));
        Assert.That(
            text.Replace("\r\n", "", StringComparison.Ordinal).AsSpan().IndexOfAny('\r', '\n', '\0'),
            Is.EqualTo(-1),
            "a bare CR, LF or NUL"
        );
        var head = text[..(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) is >= 0 and var end ? end : text.Length)];
        if (!international)
            Assert.That(Ascii.IsValid(text), Is.True, "7-bit");
        foreach (var line in text.Split("\r\n"))
            Assert.That(Encoding.UTF8.GetByteCount(line), Is.LessThanOrEqualTo(998), line);
        foreach (var line in head.Split("\r\n"))
        {
            var words = Word().Matches(line);
            foreach (Match word in words)
                Assert.That(word.Length, Is.LessThanOrEqualTo(75), line);
            if (words.Count > 0)
                Assert.That(Encoding.UTF8.GetByteCount(line), Is.LessThanOrEqualTo(76), line);
            Assert.That(line.Length == 0 || line.AsSpan().Trim(" \t").Length > 0, $"a header line of nothing but blanks: '{line}'");
        }
    }

    [GeneratedRegex(@"=\?utf-8\?[bq]\?[^? ]*\?=")]
    private static partial Regex Word();
}
