using System.Globalization;

namespace MailProxy.Pipeline.Report;

/// <summary>How a batch was cut: all events of some strands, from one position through another. Pure.</summary>
/// <param name="Strands">One bit per strand.</param>
internal sealed record BatchCut(ulong Strands, long First, long Last)
{
    /// <summary>The value of <c>webhook-id</c>.</summary>
    public string Id => string.Create(CultureInfo.InvariantCulture, $"batch_{First}-{Last}");

    public bool Holds(int strand) => (Strands >> strand & 1) != 0;

    /// <summary>Whether the text contains this cut.</summary>
    public bool IsIn(string? text) => text is not null && text.Split(' ').Contains(ToString());

    /// <summary>The text form; null for no cuts. It begins with the number of strands, without which the bits mean nothing.</summary>
    public static string? Write(IReadOnlyCollection<BatchCut> cuts, int strands) =>
        cuts.Count == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"{strands} {string.Join(' ', cuts)}");

    /// <summary>
    /// Parses the text form. Returns no cuts when the text was written for another number of strands; the batches are then cut
    /// differently, with
    /// the same event ids in them.
    /// </summary>
    public static List<BatchCut> Read(string? text, int strands)
    {
        if (text?.Split(' ') is not [var number, .. var cuts] || number != strands.ToString(CultureInfo.InvariantCulture))
            return [];
        return [.. cuts.Select(Parse)];
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Strands:x}:{First}-{Last}");

    private static BatchCut Parse(string cut)
    {
        var parts = cut.Split(':', '-');
        return new(
            ulong.Parse(parts[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            long.Parse(parts[1], CultureInfo.InvariantCulture),
            long.Parse(parts[2], CultureInfo.InvariantCulture)
        );
    }
}
