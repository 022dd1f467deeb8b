using System.Buffers;
using System.Text;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Intake;

/// <summary>
/// Cuts long texts and long base64 out of a request's JSON while it arrives: their octets go to spool files, and a short name
/// stands for each
/// in the JSON. All else stays as it is, faults included, so that whoever reads the JSON then finds what he would have found in the whole.
/// </summary>
/// <param name="threshold">Bytes of a message's JSON beyond which its strings are cut out.</param>
/// <param name="least">Bytes of a string that is worth it.</param>
/// <param name="begin">Begins the file of a message.</param>
public sealed class LongStrings(RequestShape shape, int threshold, int least, Func<SpoolDraft> begin) : IDisposable
{
    /// <summary>A shorter string is not worth it.</summary>
    private const int Least = 4096;

    private const int Soon = 32 * 1024;

    private static readonly SearchValues<byte> Structure = SearchValues.Create("{}[],:\"\n"u8);
    private static readonly SearchValues<byte> InString = SearchValues.Create("\"\\\n"u8);

    private readonly DraftPath _path = new(shape);
    private readonly List<SpooledStrings> _all = [];
    private int _kept; // bytes of the buffer that stay
    private int _message; // where the message begins
    private int _string; // where the string's quote is
    private long _cut; // bytes of the string so far, without its quotes
    private LongString _kind;
    private Mode _mode;
    private SpooledStrings? _current;
    private StringSpool? _out;
    private int _resting; // files of messages that are over

    private enum Mode : byte
    {
        Between,
        Staying,
        Leaving,
    }

    /// <summary>One for each message of which something was cut out, in their order. Whoever takes them disposes them.</summary>
    public IReadOnlyList<SpooledStrings> All => _all;

    /// <summary>Bytes that went to files, or are to go.</summary>
    public long Spooled
    {
        get
        {
            var bytes = 0L;
            foreach (var one in _all)
                bytes += one.File.Length;
            return bytes;
        }
    }

    /// <summary>
    /// Bytes of a message's JSON beyond which its strings are cut out. The one message of a request that is large as a whole goes to a
    /// file in any case, and need not fill memory before.
    /// </summary>
    /// <param name="declared">Bytes that the request is to have; null: not known.</param>
    public static int ThresholdOf(RequestShape shape, long? declared, IngestOptions options) =>
        shape == RequestShape.Message && declared > options.SpoolThreshold
            ? Math.Min(Soon, options.SpoolThreshold)
            : options.SpoolThreshold;

    public static LongStrings Of(RequestShape shape, int threshold, Func<SpoolDraft> begin) =>
        new(shape, threshold, Math.Min(Least, threshold / 4), begin);

    internal RemovedText Removed { get; } = new();

    /// <summary>Takes in what was added to the buffer since the last time, and may move it.</summary>
    /// <param name="end">Bytes that the buffer has.</param>
    /// <returns>Bytes that it has now. Those at its end that cannot be told yet are looked at again with what follows.</returns>
    public int Take(Span<byte> buffer, int end)
    {
        var at = _kept;
        while (at < end)
        {
            var before = (at, _mode);
            at = _mode switch
            {
                Mode.Between => Between(buffer, at, end),
                Mode.Staying => Stay(buffer, ref end, at),
                _ => Leave(buffer, at, end),
            };
            if ((at, _mode) == before)
                break;
        }

        buffer[at..end].CopyTo(buffer[_kept..]);
        return _kept + end - at;
    }

    /// <summary>What was added up to here was no long line, and stays as it is.</summary>
    public void Skip(int to)
    {
        _path.Reset();
        (_kept, _mode, _current) = (to, Mode.Between, null);
    }

    /// <summary>Nothing follows.</summary>
    public void End()
    {
        if (_mode == Mode.Leaving)
            NoteCut();
    }

    /// <summary>Writes what was cut out to the files.</summary>
    /// <exception cref="IOException">The disk is full, or does not write.</exception>
    public async ValueTask FlushAsync()
    {
        for (; _resting < _all.Count; _resting++)
        {
            var file = _all[_resting].File;
            await file.FlushAsync();
            if (_all[_resting] == _current)
                return;
            file.Rest();
        }
    }

    public void Dispose()
    {
        foreach (var one in _all)
            one.Dispose();
    }

    private int Between(Span<byte> buffer, int at, int end)
    {
        var found = buffer[at..end].IndexOfAny(Structure);
        if (found < 0)
            return Keep(buffer, at, end);
        var next = at + found;
        at = Keep(buffer, at, next + 1);
        switch (buffer[next])
        {
            case (byte)'{' or (byte)'[':
                _path.Open(buffer[next] == '{');
                if (_path.AtMessage)
                    (_message, _current) = (_kept - 1, null);
                break;
            case (byte)'}' or (byte)']':
                if (_path.AtMessage)
                    _current = null;
                _path.Close();
                break;
            case (byte)',':
                _path.Comma();
                break;
            case (byte)':':
                _path.Colon();
                break;
            case (byte)'\n':
                EndLine();
                break;
            default:
                (_mode, _kind, _string) = (Mode.Staying, _path.Next, _kept - 1);
                break;
        }

        return at;
    }

    // In a string that stays in the JSON, so far.
    private int Stay(Span<byte> buffer, ref int end, int at)
    {
        var found = buffer[at..end].IndexOfAny(InString);
        var stop = found < 0 ? end : at + found;
        at = Keep(buffer, at, stop);
        if (_kind != LongString.None && _kept - _message > threshold && _kept - _string > least)
        {
            // What was between is moved up, and the string is looked at again from its beginning.
            buffer[at..end].CopyTo(buffer[_kept..]);
            end -= at - _kept;
            return BeginCut(buffer);
        }

        if (at == end)
            return at;
        switch (buffer[at])
        {
            case (byte)'"':
                if (_path.AtName)
                    _path.Named(buffer[(_string + 1).._kept]);
                _mode = Mode.Between;
                return Keep(buffer, at, at + 1);
            case (byte)'\n':
                // No JSON; where each line is a message, the next one begins.
                at = Keep(buffer, at, at + 1);
                EndLine();
                return at;
            default:
                return at + 2 > end ? at : Keep(buffer, at, at + (buffer[at + 1] == '\n' ? 1 : 2));
        }
    }

    private int BeginCut(Span<byte> buffer)
    {
        if (_current is null)
        {
            _current = new(begin(), _string);
            _all.Add(_current);
        }

        var (added, name) = _current.Begin(_kind == LongString.Base64);
        _out = new(_current.File, added);
        var at = _string + 1;
        var taken = _out.Take(buffer[at.._kept], out _);
        if (taken < name.Length)
        {
            // A fault right at its beginning: it stays.
            _current.TakeBack();
            (_mode, _kind) = (Mode.Staying, LongString.None);
            return _kept;
        }

        _mode = Mode.Leaving;
        _kept = at + Encoding.ASCII.GetBytes(name, buffer[at..]);
        _cut = taken - name.Length;
        return at + taken;
    }

    // In a string that leaves the JSON.
    private int Leave(Span<byte> buffer, int at, int end)
    {
        var taken = _out!.Take(buffer[at..end], out var ends);
        _cut += taken;
        at += taken;
        if (!ends)
            return at;
        NoteCut();
        if (buffer[at] != '"')
        {
            // A fault: from here on all stays, for whoever reads the JSON to find it.
            (_mode, _kind) = (Mode.Staying, LongString.None);
            return at;
        }

        _out.End();
        _mode = Mode.Between;
        return Keep(buffer, at, at + 1);
    }

    private void NoteCut() => Removed.Add(_kept, _cut);

    private void EndLine()
    {
        if (shape != RequestShape.Lines)
            return;
        _path.Reset();
        (_mode, _current) = (Mode.Between, null);
    }

    private int Keep(Span<byte> buffer, int from, int to)
    {
        if (from != _kept)
            buffer[from..to].CopyTo(buffer[_kept..]);
        _kept += to - from;
        return to;
    }
}
