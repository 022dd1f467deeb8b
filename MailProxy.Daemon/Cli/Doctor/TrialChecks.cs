using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Cli.Verbs;
using MailProxy.Daemon.Client;

namespace MailProxy.Daemon.Cli.Doctor;

/// <summary>Tries each volume and each webhook by the daemon's own tests.</summary>
internal static class TrialChecks
{
    public static async IAsyncEnumerable<Finding> FindAsync(Call call, bool quick)
    {
        foreach (var (plural, singular) in new[] { ("volumes", "volume"), ("webhooks", "webhook") })
        {
            foreach (var one in (JsonArray)(await Lists.ReadAsync(call, $"v1/{plural}", null, all: true))["data"]!)
            {
                var about = $"{singular} {StatusText.Name(one!)}";
                if (Cell.Text(one, "status") is "disabled")
                    yield return new(
                        Health.Problem,
                        about,
                        "status",
                        $"it was disabled after failures: {Cell.Text(one, "last_error")}",
                        $"When it works again: mailproxy webhooks resume {Cell.Text(one, "id")}"
                    );
                else if (Cell.Flag(one, "paused"))
                    yield return new(
                        Health.Warning,
                        about,
                        "status",
                        "a person has paused it.",
                        $"mailproxy {plural} resume {Cell.Text(one, "id")}"
                    );
                if (!quick)
                    yield return await TryAsync(call, plural, about, one!);
            }
        }
    }

    private static async Task<Finding> TryAsync(Call call, string plural, string about, JsonNode one)
    {
        try
        {
            var path = Call.Path($"v1/{plural}/{{0}}/test", Cell.Text(one, "id"));
            var client = call.DaemonOf(Cell.Text(one, "tenant") is "default" ? null : Cell.Text(one, "tenant"));
            var answer = (await client.SendAsync(HttpMethod.Post, path, null, call.Stop)).Body!;
            return Cell.Flag(answer, "ok")
                ? new(Health.Ok, about, "test", "answers.")
                : new(Health.Problem, about, "test", Cell.Text(answer, "error"), $"mailproxy {plural} show {Cell.Text(one, "id")}");
        }
        catch (DaemonException error) when (error.Trouble != DaemonTrouble.Unreachable)
        {
            return new(Health.Problem, about, "test", error.Message.Split('\n')[0]);
        }
    }
}
