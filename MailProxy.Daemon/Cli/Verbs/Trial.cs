using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>Runs a test of the daemon and tells what it saw.</summary>
internal static class Trial
{
    public static async Task<int> RunAsync(Call call, string path, JsonObject? body)
    {
        var answer = (await call.Daemon.SendAsync(HttpMethod.Post, path, body, call.Stop)).Body!;
        call.Show(
            answer,
            _ =>
            {
                if (Cell.Flag(answer, "ok"))
                    call.Line($"ok ({Cell.Text(answer, "milliseconds")} ms)");
                else
                    call.Line($"failed: {Cell.Text(answer, "error")}");
                Outline.Write(call.Terminal, answer, "ok", "error", "milliseconds");
            }
        );
        return Cell.Flag(answer, "ok") ? ExitCode.Done : ExitCode.Failed;
    }
}
