using System.Text;
using CsCheck;
using MailProxy.Daemon.Sandbox;
using NUnit.Framework;

namespace MailProxy.Tests.Sandbox;

[TestFixture]
internal sealed class DataDecoderTests
{
    [TestCase(".\r\n", "", TestName = "Read_OnlyTheDot_EmptyBody")]
    [TestCase("a\r\n.\r\n", "a\r\n", TestName = "Read_OneLine_ThatLine")]
    [TestCase("..\r\n.\r\n", ".\r\n", TestName = "Read_StuffedDotAlone_OneDot")]
    [TestCase("...a\r\n.b\r\n.\r\n", "..a\r\nb\r\n", TestName = "Read_LeadingDots_FirstRemoved")]
    [TestCase("a.\r\n.\r\n", "a.\r\n", TestName = "Read_DotAtLineEnd_Kept")]
    [TestCase(".\rb\r\n.\r\n", "\rb\r\n", TestName = "Read_DotCrWithoutLf_LineGoesOn")]
    [TestCase("a\r\r\n.\r\n", "a\r\r\n", TestName = "Read_TwoCr_LineEnds")]
    public void Read_SplitAnywhere_SameBody(string wire, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(wire);
        for (var split = 0; split <= bytes.Length; split++)
        {
            using var decoder = new DataDecoder(1000);
            var ended = decoder.Read(bytes.AsSpan(0, split), out var used);
            Assert.That(used, Is.EqualTo(split));
            if (!ended)
                ended = decoder.Read(bytes.AsSpan(split), out used);
            Assert.That(ended, Is.True, $"split at {split}");
            Assert.That(Encoding.UTF8.GetString(decoder.Body.Span), Is.EqualTo(body), $"split at {split}");
            Assert.That(decoder.BareLineFeed, Is.False);
        }
    }

    [Test]
    public void Read_BytesAfterTheDot_LeftAlone()
    {
        using var decoder = new DataDecoder(1000);
        Assert.That(decoder.Read("a\r\n.\r\nQUIT\r\n"u8, out var used), Is.True);
        Assert.That(used, Is.EqualTo(6));
    }

    [TestCase("a\n.\r\nb\r\n.\r\n")]
    [TestCase("a\r\n.\nb\r\n.\r\n")]
    [TestCase("a\n.\nb\r\n.\r\n")]
    public void Read_BareLineFeed_NeverEndsTheMailAndIsNoticed(string wire)
    {
        using var decoder = new DataDecoder(1000);
        Assert.That(decoder.Read(Encoding.UTF8.GetBytes(wire), out var used), Is.True);
        Assert.That(used, Is.EqualTo(wire.Length));
        Assert.That(decoder.BareLineFeed, Is.True);
    }

    [TestCase(10, false)]
    [TestCase(9, true)]
    public void Read_AtTheLimit_OnlyMoreIsTooLarge(int limit, bool tooLarge)
    {
        using var decoder = new DataDecoder(limit);
        Assert.That(decoder.Read("1234\r\n78\r\n.\r\n"u8, out _), Is.True);
        Assert.That(decoder.TooLarge, Is.EqualTo(tooLarge));
        Assert.That(decoder.Body.Length, Is.EqualTo(tooLarge ? 0 : 10));
    }

    [Test]
    public void Reset_AfterAMail_NothingOfItIsLeft()
    {
        using var decoder = new DataDecoder(20);
        decoder.Read("much too large for it\n\r\n.\r\n"u8, out _);
        decoder.Reset();
        Assert.That(decoder.Read("b\r\n.\r\n"u8, out _), Is.True);
        Assert.That(Encoding.UTF8.GetString(decoder.Body.Span), Is.EqualTo("b\r\n"));
        Assert.That(decoder.TooLarge || decoder.BareLineFeed, Is.False);
    }

    [Test]
    public void Read_StuffedAndCutAnywhere_GivesBackWhatWentIn()
    {
        string[] pieces = [".", "..", "a", "\r", "é", " "];
        var line = Gen.Int[0, pieces.Length - 1]
            .Select(piece => pieces[piece])
            .Array[0, 6]
            .Select(string.Concat)
            .Select(text => text.TrimEnd('\r'));
        Gen.Select(line.Array[0, 8], Gen.Int[1, 7].Array[1, 60])
            .Sample(
                (lines, cuts) =>
                {
                    var body = string.Concat(lines.Select(text => text + "\r\n"));
                    var wire = Encoding.UTF8.GetBytes(
                        string.Concat(lines.Select(text => (text.StartsWith('.') ? "." : "") + text + "\r\n")) + ".\r\n"
                    );
                    using var decoder = new DataDecoder(10_000);
                    var ended = false;
                    var at = 0;
                    for (var cut = 0; at < wire.Length; cut++)
                    {
                        var length = Math.Min(cuts[cut % cuts.Length], wire.Length - at);
                        ended = decoder.Read(wire.AsSpan(at, length), out var used);
                        at += used;
                        if (ended)
                            break;
                    }

                    return ended && at == wire.Length && Encoding.UTF8.GetString(decoder.Body.Span) == body;
                }
            );
    }
}
