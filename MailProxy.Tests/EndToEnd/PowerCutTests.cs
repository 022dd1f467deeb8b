using MailProxy.Tests.Support;
using MailProxy.Tests.Support.PowerCuts;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>
/// The whole daemon after cuts of power at some instants of its life, and of its recovery: nothing is lost, and what comes twice or not at
/// all is told. <c>benchmarks -- powercut</c> makes a thousand.
/// </summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class PowerCutTests
{
    private const int Connections = 4,
        Mails = 60;

    private static readonly string[] Policies = ["retry", "hold", "assume_sent"];

    [Test]
    public async Task Cuts_OfALifeAndOfItsRecovery_LoseNothing()
    {
        using var directory = new TempDirectory();
        await using var sink = new WitnessSink(static () => 1);
        var store = new PowerStore(sink, Connections);
        await Life.PrepareAsync(directory, sink.Port, Connections);
        var life = await store.LiveAsync(directory, PostAsync);
        var dice = new Random(1);
        var wrong = new List<string>();
        foreach (var kind in Enum.GetValues<CutKind>())
        {
            for (var part = 1; part <= 2; part++)
            {
                var first = (life, life.Instants()[dice.Next(Mails)]);
                var next = await CutAsync([first], kind);
                await CutAsync([first, (next, dice.NextInt64(1, next.Recording.Clock))], kind);
            }
        }

        Assert.That(wrong, Is.Empty);

        async Task<Witness> CutAsync(IReadOnlyList<(Witness, long)> cuts, CutKind kind)
        {
            using var left = new TempDirectory();
            var outcome = await store.CutAsync(cuts, kind, dice, left);
            Assert.That(outcome.Refused, Is.Null);
            wrong.AddRange(outcome.Verdict!.Wrong);
            return outcome.Life!;
        }
    }

    private static Task PostAsync(Life life) =>
        Task.WhenAll(
            Enumerable
                .Range(0, Mails)
                .Select(n => life.PostAsync(new PowerMail($"m{n}", Policies[n % Policies.Length], n % 20 == 19 ? 300_000 : 500)))
        );
}
