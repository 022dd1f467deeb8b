using System.Buffers;
using System.Text;
using CsCheck;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

internal sealed class RawOctetsTests
{
    private static readonly Gen<string> Piece = Gen.OneOf(
        "\r",
        "\n",
        "\r\n",
        "\0",
        ".",
        " ",
        "\t",
        ":",
        "From: a@x",
        "From : b@x",
        "from:c@x",
        "From c@x",
        ">From x",
        "Bcc: s@x",
        "BCC : s@x",
        "X-Mail-Key: v/1",
        "Return-Path: <p@x>",
        "Authentication-Results: x",
        "Date: d",
        "Message-ID: <m@x>",
        "Subject: ü",
        "text",
        "MAIL FROM:<e@x>",
        "\r\n.\r\n",
        "\n.\n",
        "\r\n\r\n"
    );

    private static readonly Gen<string> Raw = Piece.Array[0, 40].Select(pieces => string.Concat(pieces));

    [Test]
    public void Write_AnyOctets_GivesLinesThatEndAlike() =>
        Raw.Sample(
            raw =>
            {
                var (written, facts) = Write(raw);
                var text = written.Replace("\r\n", "", StringComparison.Ordinal);
                var head = written[..facts.HeadLength];
                return !text.Contains('\r')
                    && !text.Contains('\n')
                    && written.EndsWith("\r\n", StringComparison.Ordinal)
                    && facts.HasNul == raw.Contains('\0')
                    && !Lines(head).Exists(line => Names(line, "bcc", "x-mail-key", "return-path", "authentication-results"))
                    && facts.Froms == Lines(head).Count(line => Names(line, "from"));
            },
            iter: 20_000
        );

    [Test]
    public void Write_WhatWasWritten_ChangesNothing() =>
        Raw.Where(raw => !raw.Contains("From ", StringComparison.Ordinal))
            .Sample(raw => Write(Write(raw).Text).Text == Write(raw).Text, iter: 20_000);

    [Test]
    public void Write_Body_KeepsEveryLine() =>
        Raw.Sample(
            raw => Lines(Write("From: a@x\n\n" + raw).Text[13..]).SequenceEqual(Lines(raw.ReplaceLineEndings("\r\n"))),
            iter: 20_000
        );

    // As RawOctets counts them: what stands behind the last line end is a line when it is not empty.
    private static List<string> Lines(string text)
    {
        var lines = text.Split(["\r\n", "\r", "\n"], StringSplitOptions.None).ToList();
        if (lines[^1].Length == 0)
            lines.RemoveAt(lines.Count - 1);
        return lines;
    }

    private static bool Names(string line, params string[] names) =>
        line.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon
        && !line.StartsWith(' ')
        && !line.StartsWith('\t')
        && names.Contains(line[..colon].TrimEnd(' ', '\t').ToLowerInvariant());

    private static (string Text, RawFacts Facts) Write(string raw)
    {
        var into = new ArrayBufferWriter<byte>();
        var facts = RawOctets.Write(Encoding.Latin1.GetBytes(raw), "X-Mail-Key", into);
        return (Encoding.Latin1.GetString(into.WrittenSpan), facts);
    }
}
