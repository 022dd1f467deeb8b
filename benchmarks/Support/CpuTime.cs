using System.Globalization;

namespace MailProxy.Benchmarks.Support;

/// <summary>
/// Processor time of processes, from <c>/proc/&lt;pid&gt;/stat</c>: on a noisy machine it says more than the clock on the wall.
/// </summary>
internal static class CpuTime
{
    // Linux counts in USER_HZ, which is 100 everywhere .NET runs.
    private const double TicksPerSecond = 100;

    /// <summary>Seconds that a process has used, user and system.</summary>
    public static double Of(int process) => Own(Stat(process));

    /// <summary>Seconds that a process, its descendants and those it has already reaped have used.</summary>
    public static double OfTree(int process)
    {
        var stats = ByParent();
        double Below(int parent) => stats[parent].Sum(stat => WithDeleted(stat) + Below(Number(stat)));
        return WithDeleted(Stat(process)) + Below(process);
    }

    /// <summary>The processes that a process has started and that run.</summary>
    public static IReadOnlyList<int> Children(int process) => [.. ByParent()[process].Select(Number)];

    /// <summary>Bytes that a process has resident, now and at most.</summary>
    public static (long Now, long Peak) Memory(int process)
    {
        var status = File.ReadLines($"/proc/{process}/status").ToList();
        long Kilobytes(string name) =>
            long.Parse(
                status.First(line => line.StartsWith(name, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
                CultureInfo.InvariantCulture
            );
        return (Kilobytes("VmRSS:") * 1024, Kilobytes("VmHWM:") * 1024);
    }

    private static ILookup<int, string[]> ByParent() =>
        Directory
            .EnumerateDirectories("/proc")
            .Select(Path.GetFileName)
            .Where(name => int.TryParse(name, out _))
            .Select(name => TryStat(int.Parse(name!, CultureInfo.InvariantCulture)))
            .OfType<string[]>()
            .ToLookup(stat => int.Parse(stat[1], CultureInfo.InvariantCulture));

    private static int Number(string[] stat) => int.Parse(stat[^1], CultureInfo.InvariantCulture);

    private static double Own(string[] stat) => Ticks(stat, 11) + Ticks(stat, 12);

    private static double WithDeleted(string[] stat) => Own(stat) + Ticks(stat, 13) + Ticks(stat, 14);

    private static double Ticks(string[] stat, int field) => long.Parse(stat[field], CultureInfo.InvariantCulture) / TicksPerSecond;

    // The fields after the command's name, which may itself contain blanks and brackets; our own number is put at the end.
    private static string[] Stat(int process)
    {
        var line = File.ReadAllText($"/proc/{process}/stat");
        return [.. line[(line.LastIndexOf(')') + 2)..].Trim().Split(' '), process.ToString(CultureInfo.InvariantCulture)];
    }

    private static string[]? TryStat(int process)
    {
        try
        {
            return Stat(process);
        }
        catch (IOException)
        {
            return null; // it has ended meanwhile
        }
    }
}
