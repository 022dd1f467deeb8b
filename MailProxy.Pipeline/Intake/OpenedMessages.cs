using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Intake;

/// <summary>A request's messages, split and measured but not bound, so that the memory that binding takes is known beforehand.</summary>
public sealed class OpenedMessages
{
    /// <summary>Memory of a bound JSON value in addition to its text, rounded up.</summary>
    private const int BytesPerValue = 64;

    private readonly IReadOnlyList<ReadOnlyMemory<byte>> _written;
    private readonly Problem?[] _faults;
    private readonly Defaults _defaults;
    private readonly LongStrings? _cut;

    private OpenedMessages(
        IReadOnlyList<ReadOnlyMemory<byte>> written,
        Problem?[] faults,
        Defaults defaults,
        long cost,
        LongStrings? cut = null
    )
    {
        (_written, _faults, _defaults, Cost, _cut) = (written, faults, defaults, cost, cut);
    }

    /// <summary>Bytes that binding takes in addition to the request: merged defaults, and the objects that small values become.</summary>
    public long Cost { get; }

    /// <summary>Why the whole request is refused; null when it can be bound.</summary>
    public Problem? Problem { get; private init; }

    /// <summary>Opens one message: the body of a single submission.</summary>
    /// <param name="cut">What was cut out of it; null: nothing.</param>
    public static OpenedMessages One(ReadOnlyMemory<byte> json, IngestOptions options, LongStrings? cut = null) =>
        Lines([json], options, cut);

    /// <summary>Opens messages that are independent of each other, such as the lines of NDJSON.</summary>
    public static OpenedMessages Lines(IReadOnlyList<ReadOnlyMemory<byte>> lines, IngestOptions options, LongStrings? cut = null)
    {
        var written = new ReadOnlyMemory<byte>[lines.Count];
        var faults = new Problem?[lines.Count];
        var values = 0L;
        for (var i = 0; i < written.Length; i++)
        {
            written[i] = JsonFaults.WithoutBom(lines[i]);
            faults[i] = JsonFaults.InText(written[i].Span, JsonOrigin.Of(written[i], cut)) ?? Weigh(written[i], options, ref values);
        }

        return new(written, faults, Defaults.None, values * BytesPerValue, cut);
    }

    /// <summary>
    /// Opens <c>{"messages":[…],"defaults":{…}}</c>. An invalid message refuses only itself; an invalid envelope or invalid defaults
    /// refuse the
    /// request.
    /// </summary>
    public static OpenedMessages Batch(ReadOnlyMemory<byte> json, IngestOptions options, LongStrings? cut = null)
    {
        json = JsonFaults.WithoutBom(json);
        var origin = JsonOrigin.Of(json, cut);
        if (JsonFaults.InText(json.Span, origin) is { } malformed)
            return Refused(malformed);
        if (BatchEnvelope.Read(json, origin, options.MaxMessages, out var envelope) is { } problem)
            return Refused(problem);
        if (Defaults.Read(envelope.Defaults, options, out var defaults) is { } wrong)
            return Refused(wrong);

        var faults = new Problem?[envelope.Messages.Count];
        var (values, whole, merged) = (0L, 0L, 0L);
        for (var i = 0; i < faults.Length; i++)
        {
            faults[i] = Weigh(envelope.Messages[i], options, ref values);
            if (faults[i] is not null)
                continue;
            var more = defaults.MoreIn(envelope.Messages[i]);
            var message = envelope.Messages[i];
            whole += message.Length + JsonOrigin.Of(message, cut).Between(0, message.Length) + more;
            merged += more;
            if (more > 0)
                values += defaults.Values;
        }

        if (merged > 0 && whole > options.MaxRequestBytes)
            return Refused(TooMuch(whole, faults.Length, options));
        return new(envelope.Messages, faults, defaults, merged + (values * BytesPerValue), cut);
    }

    public BoundBatch Bind()
    {
        var drafts = new Draft[_written.Count];
        for (var i = 0; i < drafts.Length; i++)
        {
            var (written, origin) = (_written[i], JsonOrigin.Of(_written[i], _cut));
            var spooled = SpooledIn(written, origin.At);
            drafts[i] = _faults[i] is { } fault
                ? new(null, written, fault) { Spooled = spooled }
                : DraftBinder.Bind(_defaults.MergeInto(written), origin, spooled);
        }

        return new(drafts, _written, null);
    }

    private SpooledStrings? SpooledIn(ReadOnlyMemory<byte> message, int from)
    {
        for (var i = 0; i < _cut?.All.Count; i++)
        {
            if (_cut.All[i].At >= from && _cut.All[i].At < from + message.Length)
                return _cut.All[i];
        }

        return null;
    }

    private static Problem? Weigh(ReadOnlyMemory<byte> message, IngestOptions options, ref long values)
    {
        var fault = DraftShape.Fault(message.Span, options, out var found);
        if (fault is null)
            values += found;
        return fault;
    }

    private static Problem TooMuch(long bytes, int messages, IngestOptions options)
    {
        var detail =
            $"Merged into {messages} messages the defaults make {bytes} bytes; a request makes at most {options.MaxRequestBytes}. "
            + "Send fewer messages at once.";
        return new(422, "defaults_too_large", "/defaults: " + detail, [new("/defaults", "defaults_too_large", detail)]);
    }

    private static OpenedMessages Refused(Problem problem) => new([], [], Defaults.None, 0) { Problem = problem };
}
