using System.Net;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using Spectre.Console;

namespace MailProxy.Daemon.Cli.Doctor;

/// <summary>The command <c>doctor</c>: looks at everything that may keep mail from going, and says what to do.</summary>
internal static class DoctorVerb
{
    private const int DnsPort = 53;

    public static Verb Make()
    {
        var dns = Words.Text(
            "--dns",
            "ADDRESS",
            "The name server to ask, such as 1.1.1.1 or 127.0.0.1:5353; without it those of the machine."
        );
        var quick = Words.Flag("--quick", "Leave out what takes long: reading the whole store, and logging in at each account.");
        return new Verb(
            "doctor",
            "Look at everything that may keep mail from going: exit code 0 when nothing does, 1 when there is a problem."
        )
        {
            Details =
                "Settings, data directory, disk, clock and store of a daemon of this machine, of a store in PostgreSQL also whether the "
                + "server keeps what it has committed and whether a replica that takes over would have it; its version and readiness; "
                + "of each account the "
                + "name, connection, TLS, certificate, log-in, the end of its secrets, and what its provider advises; "
                + "SPF, DKIM and DMARC of the "
                + "domains from which it sends; each volume, and each webhook by a test event. Warnings do not change the exit code. "
                + "--tenant '*' looks at all tenants.",
            Examples = ["mailproxy doctor", "mailproxy doctor --quick --json"],
            Run = async call =>
            {
                var names = call.Terminal.Names(Server(call.Get(dns)));
                var findings = new List<Finding>();
                await foreach (var finding in FindAsync(call, names, call.Get(quick)))
                {
                    findings.Add(finding);
                    if (!call.IsJson)
                        Tell(call, finding);
                }

                return End(call, findings);
            },
        }.With(dns, quick);
    }

    private static async IAsyncEnumerable<Finding> FindAsync(Call call, INameLookup names, bool quick)
    {
        var reached = false;
        await foreach (var finding in DaemonChecks.FindAsync(call))
        {
            reached |= finding is { About: DaemonChecks.Daemon, Check: DaemonChecks.Connection, Health: Health.Ok };
            yield return finding;
        }

        foreach (var finding in LocalChecks.Find(call, quick, reached))
            yield return finding;
        if (!reached)
            yield break;
        await foreach (var finding in new AccountChecks(call, names, quick).FindAsync())
            yield return finding;
        await foreach (var finding in TrialChecks.FindAsync(call, quick))
            yield return finding;
    }

    private static void Tell(Call call, Finding finding)
    {
        var word = Word(finding.Health);
        var line = $"{finding.About}, {finding.Check}: {finding.Says}";
        if (call.Terminal.IsScreen)
            call.Terminal.Console.MarkupLine($"[{Colour(finding.Health)}]{word, -7}[/] {Plain.Of(line).EscapeMarkup()}");
        else
            call.Line($"{word, -7} {line}");
        foreach (var step in finding.Steps)
            call.Line($"          {step}");
    }

    private static int End(Call call, List<Finding> findings)
    {
        int Count(Health health) => findings.Count(one => one.Health == health);
        var problems = Count(Health.Problem);
        var answer = new JsonObject { ["ok"] = problems == 0, ["findings"] = new JsonArray([.. findings.Select(Json)]) };
        call.Done(answer, $"ok: {Count(Health.Ok)}, warnings: {Count(Health.Warning)}, problems: {problems}.");
        return problems == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static JsonNode Json(Finding finding) =>
        new JsonObject
        {
            ["health"] = Word(finding.Health),
            ["about"] = finding.About,
            ["check"] = finding.Check,
            ["says"] = finding.Says,
            ["steps"] = new JsonArray([.. finding.Steps.Select(static step => (JsonNode)step)]),
        };

    private static string Word(Health health) => health.ToString().ToLowerInvariant();

    private static string Colour(Health health) =>
        health switch
        {
            Health.Ok => "green",
            Health.Problem => "red",
            Health.Warning => "yellow",
            _ => "grey",
        };

    private static IPEndPoint? Server(string? text)
    {
        if (text is null)
            return null;
        if (IPAddress.TryParse(text, out var address))
            return new(address, DnsPort);
        return IPEndPoint.TryParse(text, out var place)
            ? place
            : throw new UsageException($"--dns: '{text}' is not an address such as 1.1.1.1 or 127.0.0.1:5353.");
    }
}
