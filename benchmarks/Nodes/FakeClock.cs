using System.Globalization;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>A process's wall clock that can be set while it runs, by Debian's libfaketime. What only runs forward stays.</summary>
internal sealed class FakeClock
{
    /// <summary>The Debian package; the benchmarks install nothing.</summary>
    public const string Package = "faketime";

    private readonly string _file;

    /// <param name="file">Where the offset stands.</param>
    public FakeClock(string file)
    {
        _file = file;
        Step(TimeSpan.Zero);
    }

    /// <summary>Null: it is not installed.</summary>
    public static string? Library =>
        Directory
            .EnumerateDirectories("/usr/lib", "*-linux-gnu")
            .Select(static folder => Path.Combine(folder, "faketime", "libfaketimeMT.so.1"))
            .FirstOrDefault(File.Exists);

    /// <summary>What a process needs in its environment. Read every second.</summary>
    public IEnumerable<(string Name, string Value)> Environment =>
        [
            ("LD_PRELOAD", Library!),
            ("FAKETIME_TIMESTAMP_FILE", _file),
            ("FAKETIME_CACHE_DURATION", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("FAKETIME_FORCE_MONOTONIC_FIX", "0"), // else each timed wait of .NET ends at once
            ("NO_FAKE_STAT", "1"),
        ];

    /// <summary>Sets the clock so far ahead of the machine's, or behind it.</summary>
    public void Step(TimeSpan by)
    {
        File.WriteAllText(_file + ".new", string.Create(CultureInfo.InvariantCulture, $"{by.TotalSeconds:+0;-0;+0}\n"));
        File.Move(_file + ".new", _file, overwrite: true);
    }
}
