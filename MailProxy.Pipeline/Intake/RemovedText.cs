using System.Runtime.InteropServices;

namespace MailProxy.Pipeline.Intake;

/// <summary>Where text was cut out of a request's JSON, so that a fault is told at its place in what the client sent.</summary>
internal sealed class RemovedText
{
    public static readonly RemovedText None = new();

    private readonly List<(int At, long Bytes)> _cuts = [];

    /// <param name="at">Where in the memory of the request what was behind the text stands now.</param>
    public void Add(int at, long bytes) => _cuts.Add((at, bytes));

    /// <summary>Bytes that were cut out between two places in the memory of the request.</summary>
    public long Between(int from, int to)
    {
        var bytes = 0L;
        foreach (var cut in _cuts)
            bytes += cut.At > from && cut.At <= to ? cut.Bytes : 0;
        return bytes;
    }
}

/// <summary>Where a piece of JSON stands in the memory of its request, and what was cut out there.</summary>
internal readonly record struct JsonOrigin(RemovedText Removed, int At)
{
    /// <summary>Bytes that were cut out between two places of the piece.</summary>
    public long Between(int from, int to) => Removed.Between(At + from, At + to);

    /// <summary>The origin of a piece of a request's memory.</summary>
    public static JsonOrigin Of(ReadOnlyMemory<byte> json, LongStrings? cut) =>
        cut is not null && MemoryMarshal.TryGetArray(json, out var segment) ? new(cut.Removed, segment.Offset) : new(RemovedText.None, 0);
}
