using MailProxy.Daemon.Cli;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>Each example of the help, run against a daemon. A command without one is a failure.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class ExampleTests
{
    /// <summary>Exit codes of examples that do not end with 0, and why.</summary>
    private static readonly Dictionary<string, int> Otherwise = new()
    {
        ["operations stop"] = ExitCode.Conflict, // it has ended by then
    };

    private ExampleFixture _fixture = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _fixture = await ExampleFixture.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _fixture.DisposeAsync();

    private static IEnumerable<Verb> Leaves =>
        Completions
            .Commands(CommandTree.Make(out _))
            .Select(static one => one.Command)
            .OfType<Verb>()
            .Where(one => one.Subcommands.Count == 0);

    private static IEnumerable<TestCaseData> Examples =>
        Leaves
            .Where(static verb => !verb.IsOwn)
            .SelectMany(static verb =>
                verb.Examples.Select(example => new TestCaseData(verb.FullName, example).SetArgDisplayNames(example))
            );

    [TestCaseSource(nameof(Examples))]
    public async Task Example_OfTheHelp_Works(string verb, string example)
    {
        await _fixture.PrepareAsync();
        if (example.Contains("op_", StringComparison.Ordinal))
            example = example.Replace("op_1", await _fixture.OperationAsync()).Replace("op_2", await _fixture.OperationAsync());
        if (example.Contains(" k1 ", StringComparison.Ordinal))
            example = example.Replace("k1", await _fixture.KeyAsync());
        using var enough = new CancellationTokenSource();
        var isEndless = Leaves.Single(one => one.FullName == verb).IsEndless;

        var result = await _fixture.Rig.RunAsync(ExampleFixture.Split(example)[1..], enough.Token, isEndless ? _ => enough.Cancel() : null);

        var expected = isEndless ? ExitCode.Interrupted : Otherwise.GetValueOrDefault(verb);
        Assert.That(result.Code, Is.EqualTo(expected), result.ToString());
    }

    [Test]
    public void Commands_Each_HaveAnExampleThatIsOfThem()
    {
        var without = Leaves.Where(static verb =>
            verb.Examples.Count == 0 || verb.Examples.Any(example => !(example + " ").StartsWith($"mailproxy {verb.FullName} "))
        );
        Assert.That(without.Select(static verb => verb.FullName), Is.Empty);
    }

    [Test]
    public void Commands_Each_ShowTheirExampleInTheirHelp()
    {
        foreach (var verb in Leaves)
            Assert.That(HelpText.Of(verb), Does.Contain("Examples:\n  " + verb.Examples[0]));
    }

    [Test]
    public void Commands_ThatWorkOnFiles_ShowTheirExampleInTheirHelp()
    {
        var without = Leaves.Where(static verb => verb.IsOwn && !(Usage.Text + "\n").Contains("\n  " + verb.Examples[0] + "\n"));
        Assert.That(without.Select(static verb => verb.FullName), Is.Empty);
    }

    [Test]
    public void Commands_Each_AreKnownBeforeTheTreeIsMade()
    {
        var root = CommandTree.Make(out _);
        Assert.That(
            root.Subcommands.OfType<Verb>().Where(static verb => !verb.IsOwn).Select(static verb => verb.Name),
            Is.EquivalentTo(Usage.Others)
        );
        Assert.That(root.Subcommands.OfType<Verb>().Where(static verb => verb.IsOwn).All(verb => Usage.IsCommand([verb.Name])));
    }

    [Test]
    public void Options_Each_SayWhatTheyAre()
    {
        foreach (var (path, command) in Completions.Commands(CommandTree.Make(out _)))
        {
            var nameless = command.Options.Where(option =>
                string.IsNullOrEmpty(option.Description)
                || (option.Arity.MaximumNumberOfValues > 0 && string.IsNullOrEmpty(option.HelpName))
            );
            Assert.That(nameless.Select(static option => option.Name), Is.Empty, path);
        }
    }
}
