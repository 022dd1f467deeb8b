using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;

namespace MailProxy.Pipeline.Notation;

/// <summary>
/// Where a request stands in its caller's trace (W3C Trace Context): what <c>traceparent</c> and <c>tracestate</c> say. What is not valid
/// is ignored, as the recommendation asks, and never a reason to refuse anything.
/// </summary>
/// <param name="Parent">A <c>traceparent</c> of version 00: whatever version it came in is passed on as this one.</param>
/// <param name="State">A <c>tracestate</c>; null: there is none.</param>
public sealed record TraceContext(string Parent, string? State)
{
    /// <summary>Names of the headers, in lower case as the recommendation writes them.</summary>
    public const string ParentHeader = "traceparent",
        StateHeader = "tracestate";

    private const int Length = 55;

    // Sampled, and of level 2 that the trace id is random; all other bits must be zero in what is passed on.
    private const int KnownFlags = 0b11;

    /// <summary>The trace that it belongs to: 32 lower-case hexadecimal digits.</summary>
    public ReadOnlySpan<char> TraceId => Parent.AsSpan(3, 32);

    /// <summary>Whether the caller records it.</summary>
    public bool IsSampled => (Parent[^1] & 1) == 1;

    /// <summary>Null: the header is malformed, and then the state counts for nothing either.</summary>
    public static TraceContext? Read(string? parent, string? state)
    {
        if (Normal(parent) is not { } read)
            return null;
        return new(read, TraceState.Normal(state));
    }

    /// <summary>Of something that belongs to all of these: what the first says, when all are of one trace. Null: they are not.</summary>
    public static TraceContext? Shared(IEnumerable<TraceContext?> all)
    {
        TraceContext? first = null;
        foreach (var one in all)
        {
            first ??= one;
            if (one is null || !one.TraceId.SequenceEqual(first!.TraceId))
                return null;
        }

        return first;
    }

    /// <summary>What a request says that belongs to it.</summary>
    public void AddTo(HttpRequestHeaders headers)
    {
        headers.TryAddWithoutValidation(ParentHeader, Parent);
        if (State is not null)
            headers.TryAddWithoutValidation(StateHeader, State);
    }

    /// <summary>The same, as .NET names it.</summary>
    public ActivityContext ToActivity() =>
        new(
            ActivityTraceId.CreateFromString(TraceId),
            ActivitySpanId.CreateFromString(Parent.AsSpan(36, 16)),
            IsSampled ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None,
            State,
            isRemote: true
        );

    private static string? Normal(string? parent)
    {
        var text = parent.AsSpan().Trim(" \t");
        if (text.Length < Length || text[2] != '-' || text[35] != '-' || text[52] != '-')
            return null;
        var version = text[..2];
        var trace = text[3..35];
        var span = text[36..52];
        var flags = text[53..Length];
        if (!IsHex(version) || version is "ff" || !IsHex(trace) || !IsHex(span) || !IsHex(flags) || IsZero(trace) || IsZero(span))
            return null;

        // A later version may say more, behind another dash.
        if (text.Length > Length && (version is "00" || text[Length] != '-'))
            return null;
        var known = int.Parse(flags, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) & KnownFlags;
        return string.Create(CultureInfo.InvariantCulture, $"00-{trace}-{span}-{known:x2}");
    }

    private static bool IsHex(ReadOnlySpan<char> text) => !text.ContainsAnyExcept("0123456789abcdef");

    private static bool IsZero(ReadOnlySpan<char> text) => !text.ContainsAnyExcept('0');
}
