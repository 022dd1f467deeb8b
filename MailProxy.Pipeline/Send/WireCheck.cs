using System.Buffers;
using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// The last look at a mail before it goes over the wire: lines end with CRLF and nothing else, none has more than 998 octets
/// (RFC 5321 2.3.8, 4.5.3.1.6), and there is no NUL. Whoever composed it, a server that reads lines in another way must not see the end
/// of the mail in the middle of it.
/// </summary>
internal struct WireCheck
{
    private const int LongestLine = 998;

    private static readonly SearchValues<byte> Notable = SearchValues.Create("\r\n\0"u8);

    private int _line;
    private bool _return;

    /// <summary>Looks at the next octets, cut anywhere.</summary>
    /// <exception cref="UnsendableException">They must not go out.</exception>
    public void Next(ReadOnlySpan<byte> octets)
    {
        while (!octets.IsEmpty)
        {
            if (_return)
            {
                if (octets[0] != '\n')
                    throw Unfit("a CR without LF");
                (_return, _line) = (false, 0);
                octets = octets[1..];
                continue;
            }

            var at = octets.IndexOfAny(Notable);
            _line += at < 0 ? octets.Length : at;
            if (_line > LongestLine)
                throw Unfit($"a line of more than {LongestLine} octets");
            if (at < 0)
                return;
            if (octets[at] != '\r')
                throw Unfit(octets[at] == '\n' ? "an LF without CR" : "a NUL");
            _return = true;
            octets = octets[(at + 1)..];
        }
    }

    /// <summary>Nothing follows but the final dot.</summary>
    /// <exception cref="UnsendableException">It would not stand on a line of its own.</exception>
    public readonly void End()
    {
        if (_return || _line > 0)
            throw Unfit("no line end at its end");
    }

    private static UnsendableException Unfit(string what) => new("5.6.0", $"The message has {what}, and is not sent like this.");
}
