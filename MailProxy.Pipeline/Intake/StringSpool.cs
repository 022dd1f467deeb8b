using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Intake;

/// <summary>Reads one string of JSON as it arrives, and writes what it means to a file: the text, or what the base64 encodes.</summary>
internal sealed class StringSpool(SpoolDraft file, SpooledString into)
{
    private const int Quantum = 4;

    private static readonly SearchValues<byte> Base64Chars = SearchValues.Create(
        "+/0123456789=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8
    );
    private static readonly SearchValues<byte> Stops = SearchValues.Create([
        (byte)'"',
        (byte)'\\',
        .. Enumerable.Range(0, 32).Select(c => (byte)c),
    ]);

    // What may be the end of the base64, which is read in another way.
    private readonly byte[] _held = new byte[Quantum];
    private int _holding;

    /// <summary>Takes as much as can be told.</summary>
    /// <param name="ends">What follows is the closing quote, or something that no string of JSON has.</param>
    /// <returns>Bytes that were taken. What follows is to come again, with more behind it.</returns>
    public int Take(ReadOnlySpan<byte> written, out bool ends)
    {
        var at = 0;
        Span<byte> meant = stackalloc byte[4];
        for (ends = false; at < written.Length; )
        {
            var rest = written[at..];
            var run = Run(rest, out ends);
            at += run;
            if (ends || run == rest.Length)
                break;
            if (rest[run] == '\\')
            {
                var (length, bytes) = JsonEscape.Read(rest[run..], meant);
                if (length == 0)
                    break;
                ends = length < 0;
                if (ends)
                    break;
                Write(meant[..bytes], 1 + (bytes == 4 ? 1 : 0));
                at += length;
                continue;
            }

            ends = rest[run] < ' ' || rest[run] == '"';
            if (ends || run == 0)
                break;
        }

        return at;
    }

    /// <summary>The closing quote.</summary>
    public void End()
    {
        if (into is { IsBase64: true, IsValid: true } && _holding > 0)
        {
            Decode(_held.AsSpan(0, _holding), last: true);
            into.Last = Encoding.ASCII.GetString(_held, 0, _holding);
        }

        into.Length = file.Length - into.Offset;
    }

    // What stands for itself. It ends before a byte that does not, or before a character that has not come whole.
    private int Run(ReadOnlySpan<byte> rest, out bool fault)
    {
        fault = false;
        if (into is { IsBase64: true, IsValid: true })
        {
            var other = rest.IndexOfAnyExcept(Base64Chars);
            var base64 = other < 0 ? rest : rest[..other];
            Feed(base64);
            if (other < 0 || rest[other] < ' ' || rest[other] is (byte)'"' or (byte)'\\')
                return base64.Length;
            into.IsValid = false;
            return base64.Length + Run(rest[base64.Length..], out fault);
        }

        var stop = rest.IndexOfAny(Stops);
        var text = stop < 0 ? rest[..^Incomplete(rest)] : rest[..stop];
        if (!Utf8.IsValid(text))
        {
            fault = true;
            return 0;
        }

        Write(text, Encoding.UTF8.GetCharCount(text));
        return text.Length;
    }

    private void Write(ReadOnlySpan<byte> meant, int chars)
    {
        if (into.IsBase64)
        {
            if (!into.IsValid)
                return;
            if (meant.ContainsAnyExcept(Base64Chars))
                into.IsValid = false;
            else
                Feed(meant);
            return;
        }

        into.Chars += chars;
        meant.CopyTo(file.Space(meant.Length));
        file.Advance(meant.Length);
    }

    // Holds back up to four characters, of which only the very last may be padding.
    private void Feed(ReadOnlySpan<byte> base64)
    {
        if (base64.IsEmpty)
            return;
        if (_holding > 0)
        {
            var more = base64[..Math.Min(Quantum - _holding, base64.Length)];
            more.CopyTo(_held.AsSpan(_holding));
            _holding += more.Length;
            base64 = base64[more.Length..];
            if (base64.IsEmpty)
                return;
            Decode(_held, last: false);
            _holding = 0;
        }

        var whole = (base64.Length - 1) / Quantum * Quantum;
        Decode(base64[..whole], last: false);
        base64[whole..].CopyTo(_held);
        _holding = base64.Length - whole;
    }

    private void Decode(ReadOnlySpan<byte> base64, bool last)
    {
        if (!into.IsValid || base64.IsEmpty)
            return;
        var octets = file.Space(Base64.GetMaxDecodedFromUtf8Length(base64.Length));
        var status = Base64.DecodeFromUtf8(base64, octets, out var read, out var written, last);
        if (status != OperationStatus.Done || read != base64.Length)
            into.IsValid = false;
        else
            file.Advance(written);
    }

    // Bytes at the end that begin a character and lack the rest of it.
    private static int Incomplete(ReadOnlySpan<byte> text)
    {
        for (var back = 1; back <= Math.Min(3, text.Length); back++)
        {
            var b = text[^back];
            if (b < 0x80)
                return 0;
            if (b >= 0xC0)
                return
                    b
                    >= (
                        back switch
                        {
                            1 => 0xC0,
                            2 => 0xE0,
                            _ => 0xF0,
                        }
                    )
                    ? back
                    : 0;
        }

        return 0;
    }
}
