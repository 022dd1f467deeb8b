namespace MailProxy.Benchmarks.Nodes;

/// <summary>What a scenario with nodes other than the faults may be told.</summary>
/// <param name="Rounds">How often it goes round; null: as the scenario does it.</param>
/// <param name="Rate">Posts a second.</param>
/// <param name="Messages">Messages of one round, or of the whole run; null: as the scenario does it.</param>
/// <param name="Hold">For how many seconds a snapshot is held open.</param>
/// <param name="Daemon">A published daemon; null: publish one first.</param>
/// <param name="Newer">Another published daemon, which nodes are exchanged with; null: the same.</param>
/// <param name="Test">Small numbers: shows that it runs, proves nothing, and writes nothing.</param>
/// <param name="Report">Write the result to <c>benchmarks/results</c>.</param>
internal sealed record ProofOptions(
    int? Rounds = null,
    int Rate = 500,
    int? Messages = null,
    int? Hold = null,
    string? Daemon = null,
    string? Newer = null,
    bool Test = false,
    bool Report = true
)
{
    /// <param name="own">Which of the options the scenario has beside those that all have.</param>
    public static ProofOptions Parse(string[] args, params string[] own)
    {
        string[] known = ["--daemon", "--no-report", "--test", .. own];
        var options = new ProofOptions();
        for (var i = 0; i < args.Length; i++)
        {
            string Value() => i + 1 < args.Length ? args[++i] : throw new ArgumentException($"{args[i]} needs a value.");
            int Number() =>
                int.TryParse(Value(), out var n) && n > 0 ? n : throw new ArgumentException($"{args[i - 1]} needs a number above 0.");
            if (!known.Contains(args[i]))
                throw new ArgumentException($"'{args[i]}' is not an option: {string.Join(", ", known)}.");
            options = args[i] switch
            {
                "--rounds" => options with { Rounds = Number() },
                "--rate" => options with { Rate = Number() },
                "--messages" => options with { Messages = Number() },
                "--hold" => options with { Hold = Number() },
                "--daemon" => options with { Daemon = Value() },
                "--newer" => options with { Newer = Value() },
                "--no-report" => options with { Report = false },
                _ => options with { Test = true, Report = false },
            };
        }

        return options;
    }
}
