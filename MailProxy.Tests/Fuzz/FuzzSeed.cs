using System.Globalization;
using NUnit.Framework;

namespace MailProxy.Tests.Fuzz;

/// <summary>
/// The same chance in every run, unless somebody goes looking: <c>MAILPROXY_FUZZ_SEED</c> sets another seed, <c>MAILPROXY_FUZZ_ROUNDS</c>
/// how many rounds.
/// </summary>
internal static class FuzzSeed
{
    public static Random Random(int seed)
    {
        seed = Variable("MAILPROXY_FUZZ_SEED") ?? seed;
        TestContext.Out.WriteLine($"MAILPROXY_FUZZ_SEED={seed}");
        return new Random(seed);
    }

    public static int Rounds(int rounds) => Variable("MAILPROXY_FUZZ_ROUNDS") ?? rounds;

    private static int? Variable(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.Integer, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;
}
