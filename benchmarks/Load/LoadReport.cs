using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MailProxy.Benchmarks.Load;

/// <summary>The committed report. Its sections stand in a JSON file beside it, so that a run of some scenarios keeps the others.</summary>
internal static class LoadReport
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Write(string root, IReadOnlyList<string> order, IReadOnlyList<LoadSection> sections)
    {
        var directory = Directory.CreateDirectory(Path.Combine(root, "benchmarks", "results")).FullName;
        var file = Path.Combine(directory, "load.json");
        List<LoadSection> kept = File.Exists(file) ? JsonSerializer.Deserialize<List<LoadSection>>(File.ReadAllText(file), Json)! : [];
        var stamp = Stamp(root);
        var all = kept.Where(old => sections.All(s => s.Name != old.Name))
            .Concat(sections.Select(s => s with { Measured = stamp }))
            .OrderBy(s => order.ToList().IndexOf(s.Name))
            .ToList();
        File.WriteAllText(file, JsonSerializer.Serialize(all, Json) + "\n");
        File.WriteAllText(Path.Combine(directory, "load.md"), Text(all));
    }

    /// <summary>A report of one section, with its figures in a JSON file beside it.</summary>
    public static void WriteAlone(string root, string name, LoadSection section, string command)
    {
        var directory = Directory.CreateDirectory(Path.Combine(root, "benchmarks", "results")).FullName;
        var measured = section with { Measured = Stamp(root) };
        File.WriteAllText(Path.Combine(directory, $"{name}.json"), JsonSerializer.Serialize(measured, Json) + "\n");
        var text = new StringBuilder(
            $"# {section.Title}\n\n`dotnet run -c Release --project benchmarks -- {command}` on one machine that runs all of it: "
                + $"{Machine()}\n\n{Targets(section.Targets)}"
        );
        text.Append($"\n{section.Text.TrimEnd()}\n\nMeasured {measured.Measured}.\n");
        File.WriteAllText(Path.Combine(directory, $"{name}.md"), text.ToString());
    }

    private static string Stamp(string root) => $"{DateTime.UtcNow:yyyy-MM-dd} at {Output("git", root, "rev-parse", "--short", "HEAD")}";

    private static string Targets(IEnumerable<Target> targets) =>
        "| target | wanted | found | |\n|---|---|---|---|\n"
        + string.Concat(
            targets.Select(target => $"| {target.What} | {target.Wanted} | {target.Found} | {(target.IsMet ? "met" : "**missed**")} |\n")
        );

    private static string Text(List<LoadSection> sections)
    {
        var text = new StringBuilder(
            $"""
            # Load

            `dotnet run -c Release --project benchmarks -- load` on one machine that runs the load, the daemon and the sink: {Machine()}
            Rates are median (min to max) of alternating rounds; ratios are taken round by round, because the wall clock of this machine is noisy. CPU is user and system time from `/proc`.


            """
        );
        text.Append(Targets(sections.SelectMany(s => s.Targets)));
        text.Append("\nWhat was missed, what the profile shows, and what was tried: [missed.md](missed.md).\n");
        foreach (var section in sections)
            text.Append($"\n## {section.Title}\n\n{section.Text.TrimEnd()}\n\nMeasured {section.Measured}.\n");
        return text.ToString();
    }

    private static string Machine()
    {
        var model =
            File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
            ?? "unknown processor";
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 30;
        SQLitePCL.Batteries_V2.Init(); // a run that reads no database has not done it
        var sqlite = SQLitePCL.raw.sqlite3_libversion().utf8_to_string();
        var postfix = Output("/usr/sbin/postconf", "/", "-h", "mail_version");
        return $"{Environment.ProcessorCount} cores ({model}), {memory} GB, Linux {Output("uname", "/", "-r")}, .NET "
            + $"{Environment.Version}, SQLite {sqlite}, MailKit "
            + $"{typeof(MailKit.Net.Smtp.SmtpClient).Assembly.GetName().Version?.ToString(3)}, Postfix {postfix}.";
    }

    private static string Output(string program, string directory, params string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = directory,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : "unknown";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "not installed";
        }
    }
}
