using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using MailProxy.Benchmarks.Chaos;
using MailProxy.Benchmarks.Load;
using MailProxy.Benchmarks.Nodes;
using MailProxy.Benchmarks.Support;

const string Usage = """
    dotnet run -c Release --project benchmarks -- [--test | load | chaos | powercut | BenchmarkDotNet's own arguments]
      --test   runs each benchmark once, so that none rots
      load     throughput and latency of the whole daemon beside baselines; --rounds, --only, --messages, --quick
      chaos    kills the daemon under load and counts what was lost and doubled; --kills, --seed, --seconds, --append, --test
      chaos restart  replaces the program under load, and counts errors, losses and the pause; --restarts, --rate, --newer, --older, --test
      nodes    does to three nodes over one PostgreSQL what machines and networks do; --faults, --seed, --ttl, --append, --test
      nodes upgrade | takeover | rates | failover | drift   other runs with nodes; --rounds, --rate, --newer, --messages, --hold, --test
      powercut cuts the power of the daemon's disk and counts the same; --cuts, --seed, --without, --test
    """;

switch (args)
{
    case ["chaos", "restart", .. var rest]:
        return await RestartRun.RunAsync(rest, Checkout.Root());
    case ["nodes", var scenario, .. var rest] when ProofRun.IsScenario(scenario):
        return await ProofRun.RunAsync(scenario, rest, Checkout.Root());
    case ["nodes", .. var rest]:
        return await NodesRun.RunAsync(rest, Checkout.Root());
    case ["chaos", .. var rest]:
        return await ChaosRun.RunAsync(rest, Checkout.Root());
    case ["powercut", .. var rest]:
        return await PowerCutRun.RunAsync(rest, Checkout.Root());
    case ["load", .. var rest]:
        return await LoadRun.RunAsync(rest, Checkout.Root());
    case [BareEndpoint.Verb, var address]:
        return await BareEndpoint.ServeAsync(address);
    case ["--help" or "-h"]:
        Console.WriteLine(Usage);
        return 0;
    // In this process: --test proves that a benchmark runs, not how fast.
    case ["--test", ..]:
        return ExitCode(
            BenchmarkSwitcher
                .FromAssembly(typeof(Checkout).Assembly)
                .RunAll(
                    DefaultConfig
                        .Instance.AddJob(Job.Dry.WithToolchain(InProcessEmitToolchain.Instance))
                        .WithOptions(ConfigOptions.JoinSummary)
                )
        );
    default:
        return ExitCode(BenchmarkSwitcher.FromAssembly(typeof(Checkout).Assembly).Run(args));
}

// BenchmarkDotNet itself exits 0 when a benchmark throws.
static int ExitCode(IEnumerable<Summary> summaries)
{
    var reports = summaries.SelectMany(summary => summary.Reports).ToList();
    var failed = reports.Count(report => !report.Success) + summaries.Count(summary => summary.HasCriticalValidationErrors);
    Console.WriteLine($"{reports.Count - reports.Count(report => !report.Success)} benchmarks ran, {failed} failed");
    return failed == 0 ? 0 : 1;
}
