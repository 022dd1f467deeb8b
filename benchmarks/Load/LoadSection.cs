namespace MailProxy.Benchmarks.Load;

/// <summary>What one scenario found, as it stands in the report.</summary>
internal sealed record LoadSection(string Name, string Title, string Text, IReadOnlyList<Target> Targets)
{
    /// <summary>When it was measured, and from which commit.</summary>
    public string Measured { get; init; } = "";
}

/// <summary>A figure that was promised.</summary>
/// <param name="Found">The figure that was measured.</param>
internal sealed record Target(string What, string Wanted, string Found, bool IsMet)
{
    public static Target AtLeast(string what, double wanted, double found, string unit = "") =>
        new(what, $"at least {wanted:0.##}{unit}", Samples.Number(found) + unit, found >= wanted);

    public static Target AtMost(string what, double wanted, double found, string unit = "") =>
        new(what, $"at most {wanted:0.##}{unit}", Samples.Number(found) + unit, found <= wanted);

    public static Target Below(string what, double wanted, double found, string unit = "") =>
        new(what, $"under {wanted:0.##}{unit}", Samples.Number(found) + unit, found < wanted);
}
