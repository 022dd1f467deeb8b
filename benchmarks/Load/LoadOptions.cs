namespace MailProxy.Benchmarks.Load;

/// <summary>What a load run may be told.</summary>
/// <param name="Rounds">How often the paired scenarios alternate.</param>
/// <param name="Only">Scenarios to run; empty: all.</param>
/// <param name="Messages">Messages of one drain.</param>
/// <param name="Aged">Messages that a store has sent before its drains are measured beside those of an empty one.</param>
/// <param name="Quick">Small numbers, to see that everything runs: proves nothing and writes no report.</param>
/// <param name="Daemon">A published daemon; null: publish one first.</param>
/// <param name="Report">Write the result to <c>benchmarks/results/load.md</c>.</param>
internal sealed record LoadOptions(int Rounds, IReadOnlyList<string> Only, int Messages, int Aged, bool Quick, string? Daemon, bool Report)
{
    public static LoadOptions Parse(string[] args)
    {
        int? rounds = null,
            messages = null;
        var options = new LoadOptions(7, [], 50_000, 1_000_000, false, null, true);
        for (var i = 0; i < args.Length; i++)
        {
            string Value() => i + 1 < args.Length ? args[++i] : throw new ArgumentException($"{args[i]} needs a value.");
            int Number() =>
                int.TryParse(Value(), out var n) && n > 0 ? n : throw new ArgumentException($"{args[i - 1]} needs a number above 0.");
            switch (args[i])
            {
                case "--rounds":
                    rounds = Number();
                    break;
                case "--messages":
                    messages = Number();
                    break;
                case "--aged":
                    options = options with { Aged = Number() };
                    break;
                case "--only":
                    options = options with { Only = Value().Split(',', StringSplitOptions.RemoveEmptyEntries) };
                    break;
                case "--daemon":
                    options = options with { Daemon = Value() };
                    break;
                case "--no-report":
                    options = options with { Report = false };
                    break;
                case "--quick" or "--test":
                    options = options with { Quick = true, Report = false, Rounds = 1, Messages = 2_000, Aged = 5_000 };
                    break;
                default:
                    throw new ArgumentException(
                        $"'{args[i]}' is not an option: --rounds, --only, --messages, --aged, --daemon, --no-report, --quick."
                    );
            }
        }

        return options with
        {
            Rounds = rounds ?? options.Rounds,
            Messages = messages ?? options.Messages,
        };
    }

    /// <summary>The number, or the small one in a quick run.</summary>
    public int Scale(int number, int quick) => Quick ? quick : number;
}
