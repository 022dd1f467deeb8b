using System.Buffers;
using System.Text;
using CsCheck;
using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class WireBlocksTests
{
    private const int Block = 32 * 1024;

    private static readonly Gen<string> Line = Gen.OneOf("", ".", "..", ".x", "x.", new string('y', 70)).Select(line => line + "\r\n");

    [Test]
    public void Next_DotsAroundTheEdgeOfABlock_AreDoubledAndNoneElse() =>
        Gen.Select(Gen.Int[0, 12], Line.Array[1, 30])
            .Sample(
                (before, lines) =>
                {
                    var lines64 = string.Concat(Enumerable.Repeat(new string('f', 62) + "\r\n", (Block / 64) - 1));
                    var filler = lines64 + new string('f', 62 - before) + "\r\n";
                    var mail = $"A: b\r\n\r\n{filler}{string.Concat(lines)}";
                    var wire = Wire(mail);
                    return !wire.Contains("\r\n.\r\n", StringComparison.Ordinal)
                        && string.Join("\r\n", wire.Split("\r\n").Select(line => line.StartsWith('.') ? line[1..] : line)) == mail;
                },
                iter: 2_000
            );

    private static string Wire(string mail)
    {
        using var bytes = new PooledBytes(mail.Length);
        bytes.Write(Encoding.ASCII.GetBytes(mail));
        using var rendered = RenderedMail.Of(bytes, eightBit: false, needsSmtpUtf8: false);
        using var blocks = new WireBlocks(rendered);
        var wire = new ArrayBufferWriter<byte>();
        while (blocks.Next(wire)) { }

        return Encoding.ASCII.GetString(wire.WrittenSpan);
    }
}
