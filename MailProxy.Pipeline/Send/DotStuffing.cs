using System.Buffers;

namespace MailProxy.Pipeline.Send;

/// <summary>Doubles the dot that begins a line (RFC 5321 section 4.5.2).</summary>
internal static class DotStuffing
{
    /// <summary>Copies a part of a mail, cut anywhere: what stands before the part decides whether its first dot begins a line.</summary>
    public static void Copy(ReadOnlySpan<byte> mail, int from, int to, IBufferWriter<byte> into)
    {
        if (from == 0 && mail[..to].StartsWith("."u8))
            into.Write("."u8);

        // A line end may lie before the part or across its edge, so the search begins two octets before what is still to be copied.
        while (true)
        {
            var search = Math.Max(0, from - 2);
            var found = mail[search..to].IndexOf("\r\n."u8);
            if (found < 0)
                break;
            var dot = search + found + 2;
            into.Write(mail[from..dot]);
            into.Write(".."u8);
            from = dot + 1;
        }

        into.Write(mail[from..to]);
    }
}
