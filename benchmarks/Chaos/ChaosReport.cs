namespace MailProxy.Benchmarks.Chaos;

/// <summary>The report <c>benchmarks/results/chaos.md</c>, of which each run writes its own section and leaves the others.</summary>
internal static class ChaosReport
{
    public const string Kills = "## Kills",
        PowerCuts = "## Power cuts",
        Restarts = "## Restarts";

    private const string Title = "# Chaos: kill -9 and power cuts under load";

    /// <param name="text">The section with its heading.</param>
    public static async Task WriteAsync(string root, string heading, string text)
    {
        var file = Path.Combine(root, "benchmarks", "results", "chaos.md");
        var old = File.Exists(file) ? await File.ReadAllTextAsync(file) : "";
        string[] headings = [Kills, PowerCuts, Restarts];
        var sections = headings.Select(each => each == heading ? text : Section(old, each)).Where(static section => section.Length > 0);
        await File.WriteAllTextAsync(file, Title + "\n\n" + string.Join("\n\n", sections.Select(static section => section.Trim())) + "\n");
    }

    private static string Section(string report, string heading)
    {
        var from = report.IndexOf(heading + "\n", StringComparison.Ordinal);
        if (from < 0)
            return "";
        var to = report.IndexOf("\n## ", from + 1, StringComparison.Ordinal);
        return to < 0 ? report[from..] : report[from..to];
    }
}
