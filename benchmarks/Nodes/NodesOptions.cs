using System.Globalization;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>What a run with several nodes may be told.</summary>
/// <param name="Faults">How often something is done to a node or to the database.</param>
/// <param name="Seed">Of every random decision here; the interleaving of processes stays what it is.</param>
/// <param name="Piece">After so many faults everything is drained and compared, and a new database begins.</param>
/// <param name="Seconds">A bound on the faults; the drain comes after it.</param>
/// <param name="Ttl">Storage:Nodes:TimeToLive, in seconds.</param>
/// <param name="Daemon">A published daemon; null: publish one first.</param>
/// <param name="Append">Go on with the counts of <c>benchmarks/results/nodes.json</c>, until there are as many faults.</param>
/// <param name="Report">Write the result to <c>benchmarks/results/nodes.md</c>.</param>
internal sealed record NodesOptions(
    int Faults = 1000,
    int Seed = 1,
    int Piece = 50,
    int Seconds = 36_000,
    double Ttl = 3,
    string? Daemon = null,
    bool Append = false,
    bool Report = true
)
{
    public static NodesOptions Parse(string[] args)
    {
        var options = new NodesOptions();
        for (var i = 0; i < args.Length; i++)
        {
            string Value() => i + 1 < args.Length ? args[++i] : throw new ArgumentException($"{args[i]} needs a value.");
            int Number() =>
                int.TryParse(Value(), out var n) && n > 0 ? n : throw new ArgumentException($"{args[i - 1]} needs a number above 0.");
            options = args[i] switch
            {
                "--faults" => options with { Faults = Number() },
                "--seed" => options with { Seed = Number() },
                "--piece" => options with { Piece = Number() },
                "--seconds" => options with { Seconds = Number() },
                "--ttl" => options with { Ttl = double.Parse(Value(), CultureInfo.InvariantCulture) },
                "--daemon" => options with { Daemon = Value() },
                "--append" => options with { Append = true },
                "--no-report" => options with { Report = false },
                "--test" => options with { Faults = 30, Piece = 30, Seconds = 240, Report = false },
                _ => throw new ArgumentException(
                    $"'{args[i]}' is not an option: --faults, --seed, --piece, --seconds, --ttl, --daemon, --append, --no-report, --test."
                ),
            };
        }

        return options;
    }
}
