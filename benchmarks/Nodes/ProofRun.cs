using MailProxy.Benchmarks.Load;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>Runs one scenario with nodes, tells what it found, and writes its report.</summary>
internal static class ProofRun
{
    private static readonly Dictionary<string, (string[] Options, Func<ProofPlace, Task<ProofResult>> Run)> Scenarios = new()
    {
        ["upgrade"] = (["--rounds", "--rate", "--newer"], UpgradeRun.RunAsync),
        ["takeover"] = (["--rounds"], TakeOverRun.RunAsync),
        ["rates"] = (["--rounds", "--messages"], RatesRun.RunAsync),
        ["failover"] = (["--rounds", "--rate"], FailoverRun.RunAsync),
        ["drift"] = (["--messages", "--hold"], DriftRun.RunAsync),
    };

    public static bool IsScenario(string name) => Scenarios.ContainsKey(name);

    public static async Task<int> RunAsync(string name, string[] args, string root)
    {
        var (own, run) = Scenarios[name];
        var options = ProofOptions.Parse(args, own);
        var folder = Directory.CreateTempSubdirectory($"mailproxy-{name}-").FullName;
        var program = options.Daemon ?? DaemonProcess.Publish(root, Path.Combine(folder, "program"));
        var found = await run(new(program, folder, options));
        var section = found.Section;
        Console.WriteLine($"\n{section.Title}\n\n{section.Text}\n");
        foreach (var target in section.Targets)
            Console.WriteLine($"{(target.IsMet ? "met   " : "MISSED")} {target.What}: {target.Found} (wanted {target.Wanted})");
        if (options.Report)
            LoadReport.WriteAlone(root, $"nodes-{name}", section, $"nodes {string.Join(' ', [name, .. Told(args)])}");
        if (found.IsSound)
            Directory.Delete(folder, recursive: true);
        else
            Console.WriteLine($"The logs are kept in {folder}.");
        Console.WriteLine(found.IsSound ? "1 passed, 0 failed" : "0 passed, 1 failed");
        return found.IsSound ? 0 : 1;
    }

    // Without where programs stand on this machine.
    private static IEnumerable<string> Told(string[] args) => args.Where((arg, at) => !IsPlace(arg) && (at == 0 || !IsPlace(args[at - 1])));

    private static bool IsPlace(string arg) => arg is "--daemon" or "--newer";
}

/// <summary>What scenarios with nodes are given: the published program, a folder of their own, and the options.</summary>
internal sealed record ProofPlace(string Program, string Folder, ProofOptions Options)
{
    /// <summary>Settings by which what is tried again is tried again while somebody looks.</summary>
    public static readonly (string, string)[] Soon =
    [
        ("MAILPROXY_REPORT__RETRYMINUTES", "0.02, 0.02, 0.05, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2, 0.2"),
        ("MAILPROXY_REPORT__ACCOUNTBACKOFFFIRST", "00:00:01"),
        ("MAILPROXY_REPORT__ACCOUNTBACKOFFLONGEST", "00:00:01"),
    ];

    /// <summary>A daemon that uses this database, with the settings of production but for what is given.</summary>
    public DaemonProcess Node(string name, string connectionString, params ReadOnlySpan<(string Name, string Value)> more)
    {
        (string, string)[] storage =
        [
            ("MAILPROXY_STORAGE__PROVIDER", "postgres"),
            ("MAILPROXY_STORAGE__CONNECTIONSTRING", connectionString),
            ("MAILPROXY_STORAGE__NODES__NAME", name),
        ];
        return Lone(name, [.. storage, .. more]);
    }

    /// <summary>A daemon on SQLite, otherwise with the same settings.</summary>
    public DaemonProcess Lone(string name, params ReadOnlySpan<(string Name, string Value)> more)
    {
        var settings = new Dictionary<string, string>
        {
            ["MAILPROXY_MASTER_KEY"] = new string('5', 64),
            ["MAILPROXY_NETWORK__ALLOWED__0"] = "127.0.0.0/8",
            ["MAILPROXY_DASHBOARD__ENABLED"] = "false",
        };
        foreach (var (setting, value) in more)
            settings[setting] = value;
        return new(Program, Directory.CreateDirectory(Path.Combine(Folder, name, "data")).FullName, settings);
    }
}

/// <param name="IsSound">Nothing was lost or doubled that may not be; what is only slow is told by the targets.</param>
internal sealed record ProofResult(LoadSection Section, bool IsSound);
