namespace MailProxy.Benchmarks.Chaos;

/// <summary>What a chaos run may be told.</summary>
/// <param name="Kills">How often the daemon is killed.</param>
/// <param name="Seed">Of every random decision here; the interleaving of processes stays what it is.</param>
/// <param name="Seconds">A bound on the killing phase; the drain comes after it.</param>
/// <param name="Piece">After so many kills the store is drained and compared, and another one begins.</param>
/// <param name="Parallel">So many pieces run at the same time, each with a daemon, a sink and a store of its own.</param>
/// <param name="Append">Go on with the counts of <c>benchmarks/results/chaos.json</c>, until there are as many kills.</param>
/// <param name="Clients">Clients that post at the same time.</param>
/// <param name="Daemon">A published daemon; null: publish one first.</param>
/// <param name="Report">Write the result to <c>benchmarks/results/chaos.md</c>.</param>
internal sealed record ChaosOptions(
    int Kills = 1000,
    int Seed = 1,
    int Seconds = 3600,
    int Piece = 250,
    int Parallel = 1,
    bool Append = false,
    int Clients = 4,
    string? Daemon = null,
    bool Report = true
)
{
    public static ChaosOptions Parse(string[] args)
    {
        var options = new ChaosOptions();
        for (var i = 0; i < args.Length; i++)
        {
            string Value() => i + 1 < args.Length ? args[++i] : throw new ArgumentException($"{args[i]} needs a value.");
            int Number() =>
                int.TryParse(Value(), out var n) && n > 0 ? n : throw new ArgumentException($"{args[i - 1]} needs a number above 0.");
            options = args[i] switch
            {
                "--kills" => options with { Kills = Number() },
                "--seed" => options with { Seed = Number() },
                "--seconds" => options with { Seconds = Number() },
                "--piece" => options with { Piece = Number() },
                "--parallel" => options with { Parallel = Number() },
                "--append" => options with { Append = true },
                "--clients" => options with { Clients = Number() },
                "--daemon" => options with { Daemon = Value() },
                "--no-report" => options with { Report = false },
                "--test" => options with { Kills = 30, Seconds = 240, Report = false },
                _ => throw new ArgumentException(
                    $"'{args[i]}' is not an option: --kills, --seed, --seconds, --piece, --parallel, --append, --clients, --daemon, "
                        + "--no-report, --test."
                ),
            };
        }

        return options;
    }
}
