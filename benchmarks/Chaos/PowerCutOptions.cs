namespace MailProxy.Benchmarks.Chaos;

/// <summary>What a run of power cuts may be told.</summary>
/// <param name="Cuts">How often the power is cut.</param>
/// <param name="Seed">Of every random decision here; the interleaving of threads stays what it is.</param>
/// <param name="Messages">Mail of one recorded life, which is cut many times.</param>
/// <param name="CutsOfALife">How often each recorded life is cut.</param>
/// <param name="Without">A sync that does not count, to show that its absence is found: see <see cref="Syncs"/>.</param>
/// <param name="Report">Write the result into <c>benchmarks/results/chaos.md</c>.</param>
internal sealed record PowerCutOptions(
    int Cuts = 1000,
    int Seed = 1,
    int Messages = 1000,
    int CutsOfALife = 100,
    string? Without = null,
    bool Report = true
)
{
    public static PowerCutOptions Parse(string[] args)
    {
        var options = new PowerCutOptions();
        for (var i = 0; i < args.Length; i++)
        {
            string Value() => i + 1 < args.Length ? args[++i] : throw new ArgumentException($"{args[i]} needs a value.");
            int Number() =>
                int.TryParse(Value(), out var n) && n > 0 ? n : throw new ArgumentException($"{args[i - 1]} needs a number above 0.");
            options = args[i] switch
            {
                "--cuts" => options with { Cuts = Number() },
                "--seed" => options with { Seed = Number() },
                "--messages" => options with { Messages = Number() },
                "--cuts-of-a-life" => options with { CutsOfALife = Number() },
                "--without" => options with { Without = Value(), Report = false },
                "--no-report" => options with { Report = false },
                "--test" => options with { Cuts = 30, Messages = 150, CutsOfALife = 30, Report = false },
                _ => throw new ArgumentException(
                    $"'{args[i]}' is not an option: --cuts, --seed, --messages, --cuts-of-a-life, --without, --no-report, --test."
                ),
            };
        }

        _ = options.Syncs();
        return options;
    }

    /// <summary>Whether a sync of a path counts. Leaving one out is what the program would be without that call.</summary>
    public Func<string, bool> Syncs() =>
        Without switch
        {
            null => static _ => true,
            "flight" => static path => Path.GetFileName(path) != "flight",
            "log" => static path => !path.EndsWith("-wal", StringComparison.Ordinal),
            "spool" => static path => !path.Contains("/spool/", StringComparison.Ordinal),
            "directory" => static path => !Directory.Exists(path),
            _ => throw new ArgumentException($"--without is one of flight, log, spool, directory; not '{Without}'."),
        };
}
