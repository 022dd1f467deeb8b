using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>A database of genro-mail-proxy 0.7.7 taken over by the published program, as a whole process.</summary>
internal static class ImportScenario
{
    private const int Body = 1_500,
        OfWhichSent = 5,
        OfSentUntold = 10;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        var messages = bench.Options.Quick ? 5_000 : 1_000_000;
        using var daemon = bench.NewDaemon();
        var file = Path.Combine(Path.GetDirectoryName(daemon.Process.Data)!, "mail_service.db");
        Fill(file, messages);
        var (took, cpu, memory) = await ImportAsync(bench.Program, file, daemon.Process.Data);
        var size = new FileInfo(file).Length / 1_000_000;
        return new(
            "import",
            "Import",
            $"""
            `mailproxy import-genro` of {messages:N0} messages of {Body:N0} bytes in {size:N0} MB, one in {OfWhichSent} of them sent, into an empty store; from the start of the program to its end.

            | seconds | seconds of CPU | MB at the most |
            |---|---|---|
            | {Samples.Number(took.TotalSeconds)} | {Samples.Number(cpu.TotalSeconds)} | {memory / 1_000} |
            """,
            [
                Target.Below($"{messages:N0} messages imported", 120, took.TotalSeconds, " s"),
                Target.Below("memory of an import", 300, memory / 1_000.0, " MB"),
            ]
        );
    }

    private static void Fill(string file, int messages)
    {
        using var old = new OldDatabase(file, OldVersion.Production);
        old.Run("BEGIN");
        old.Add("tenants", ("id", "acme"), ("client_base_url", "http://192.0.2.1"));
        old.Add("accounts", ("tenant_id", "acme"), ("id", "main"), ("host", "192.0.2.1"), ("port", 25), ("use_tls", 0));
        var then = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 3_600;
        var body = new string('x', Body);
        for (var n = 0; n < messages; n++)
        {
            // As Genropy makes them: in no order.
            var id = Convert.ToBase64String(Guid.NewGuid().ToByteArray()).Replace('+', '_').Replace('/', '_')[..22];
            var payload = JsonSerializer.Serialize(
                new
                {
                    id,
                    tenant_id = "acme",
                    account_id = "main",
                    from = "a@example.com",
                    to = $"user{n}@example.org",
                    subject = $"Message {n}",
                    body,
                    priority = 2,
                }
            );
            var (key, isSent) = (Guid.NewGuid().ToString(), n % OfWhichSent == 0);
            old.Add(
                "messages",
                ("pk", key),
                ("id", id),
                ("tenant_id", "acme"),
                ("account_id", "main"),
                ("payload", payload),
                ("smtp_ts", isSent ? then : null)
            );
            if (!isSent)
                continue;
            var reported = n % (OfWhichSent * OfSentUntold) == 0 ? (long?)null : then;
            old.Add("message_events", ("message_pk", key), ("event_type", "sent"), ("event_ts", then), ("reported_ts", reported));
        }

        old.Run("COMMIT");
    }

    private static async Task<(TimeSpan Took, TimeSpan Cpu, long Kilobytes)> ImportAsync(string program, string file, string data)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true };
        foreach (var argument in new[] { "import-genro", file, $"--data={data}" })
            start.ArgumentList.Add(argument);
        var begun = Stopwatch.GetTimestamp();
        using var import = Process.Start(start)!;
        var output = import.StandardOutput.ReadToEndAsync();
        var (cpu, kilobytes, end) = (TimeSpan.Zero, 0L, import.WaitForExitAsync());
        while (!end.IsCompleted)
        {
            try
            {
                cpu = import.TotalProcessorTime;
                kilobytes = Math.Max(kilobytes, Peak(import.Id));
            }
            catch (Exception error) when (error is InvalidOperationException or IOException)
            {
                // It ended while it was looked at.
            }

            await Task.WhenAny(end, Task.Delay(Look, TimeProvider.System));
        }

        await end;
        return import.ExitCode == 0
            ? (Stopwatch.GetElapsedTime(begun), cpu, kilobytes)
            : throw new InvalidOperationException("The import failed: " + await output);
    }

    private static long Peak(int process)
    {
        const string Line = "VmHWM:";
        var line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(static one => one.StartsWith(Line, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line[Line.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }
}
