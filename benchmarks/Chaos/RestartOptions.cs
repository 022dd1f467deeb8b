namespace MailProxy.Benchmarks.Chaos;

/// <summary>What a run of restarts may be told.</summary>
/// <param name="Restarts">How often the program is replaced, in each of the two ways.</param>
/// <param name="Rate">Posts a second.</param>
/// <param name="Clients">Connections that post.</param>
/// <param name="Newer">A published program; null: this checkout's, published first.</param>
/// <param name="Older">The program that it is exchanged with; null: the same as the newer one, from another folder.</param>
/// <param name="SecondTry">Milliseconds after a connection failure, when a client tries once more.</param>
/// <param name="Report">Write the result into <c>benchmarks/results/chaos.md</c>.</param>
internal sealed record RestartOptions(
    int Restarts = 20,
    int Rate = 500,
    int Clients = 16,
    string? Newer = null,
    string? Older = null,
    int SecondTry = 900,
    bool Report = true
)
{
    public static RestartOptions Parse(string[] args)
    {
        var options = new RestartOptions();
        for (var i = 0; i < args.Length; i++)
        {
            string Value() => i + 1 < args.Length ? args[++i] : throw new ArgumentException($"{args[i]} needs a value.");
            int Number() =>
                int.TryParse(Value(), out var n) && n > 0 ? n : throw new ArgumentException($"{args[i - 1]} needs a number above 0.");
            options = args[i] switch
            {
                "--restarts" => options with { Restarts = Number() },
                "--rate" => options with { Rate = Number() },
                "--clients" => options with { Clients = Number() },
                "--newer" => options with { Newer = Value() },
                "--older" => options with { Older = Value() },
                "--no-report" => options with { Report = false },
                "--test" => options with { Restarts = 4, SecondTry = 5_000, Report = false },
                _ => throw new ArgumentException(
                    $"'{args[i]}' is not an option: --restarts, --rate, --clients, --newer, --older, --no-report, --test."
                ),
            };
        }

        return options;
    }
}
