using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>Throughput and latency of the whole, published daemon, scenario by scenario.</summary>
internal static class LoadRun
{
    private static readonly (string Name, Func<LoadBench, Task<LoadSection>> Run)[] Scenarios =
    [
        ("drain", DrainScenario.RunAsync),
        ("distance", DistanceScenario.RunAsync),
        ("through", ThroughScenario.RunAsync),
        ("ingest", IngestScenario.RunAsync),
        ("latency", LatencyScenario.RunAsync),
        ("large", LargeScenario.RunAsync),
        ("bodies", BodiesScenario.RunAsync),
        ("growth", GrowthScenario.RunAsync),
        ("idle", IdleScenario.RunAsync),
        ("mark", MarkScenario.RunAsync),
        ("attachments", AttachmentScenario.RunAsync),
        ("reports", ReportScenario.RunAsync),
        ("retention", RetentionScenario.RunAsync),
        ("aged", AgedScenario.RunAsync),
        ("hostile", HostileScenario.RunAsync),
        ("intake", IntakeScenario.RunAsync),
        ("wide", WideScenario.RunAsync),
        ("start", StartScenario.RunAsync),
        ("pool", PoolScenario.RunAsync),
        ("find", FindScenario.RunAsync),
        ("suppressions", SuppressionScenario.RunAsync),
        ("genro", GenroScenario.RunAsync),
        ("act", ActScenario.RunAsync),
        ("import", ImportScenario.RunAsync),
    ];

    public static async Task<int> RunAsync(string[] args, string root)
    {
        var options = LoadOptions.Parse(args);
        var names = Scenarios.Select(s => s.Name).ToList();
        if (options.Only.Except(names).FirstOrDefault() is { } unknown)
            throw new ArgumentException($"'{unknown}' is not a scenario: {string.Join(", ", names)}.");

        var place = Directory.CreateTempSubdirectory("mailproxy-load-").FullName;
        try
        {
            var program = options.Daemon ?? DaemonProcess.Publish(root, Path.Combine(place, "program"));
            var bench = new LoadBench(program, place, options);
            var sections = new List<LoadSection>();
            foreach (var (name, run) in Scenarios.Where(s => options.Only.Count == 0 || options.Only.Contains(s.Name)))
            {
                Console.WriteLine($"{name} …");
                var section = await run(bench);
                sections.Add(section);
                Console.WriteLine($"\n{section.Title}\n\n{section.Text}\n");
                foreach (var target in section.Targets)
                    Console.WriteLine($"{(target.IsMet ? "met   " : "MISSED")} {target.What}: {target.Found} (wanted {target.Wanted})");
            }

            if (options.Report)
                LoadReport.Write(root, names, sections);
            return 0;
        }
        finally
        {
            Directory.Delete(place, recursive: true);
        }
    }
}
