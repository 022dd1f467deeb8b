using MailProxy.Daemon.Api;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Presets;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The command <c>accounts test</c>: logs in without sending anything, and says in words what is wrong.</summary>
internal static class AccountTest
{
    public static Verb Make()
    {
        var id = ResourceVerbs.Accounts.Id();
        return new Verb("test", "Connect and log in without sending anything; says in words what is wrong. Exit code 1 when it fails.")
        {
            Examples = ["mailproxy accounts test relay"],
            Run = async call =>
            {
                var account = await call.Daemon.GetAsync(Call.Path("v1/accounts/{0}", call.Word(id)), call.Stop);
                return await RunAsync(call, call.Word(id), PresetAnswer.OfHost(Cell.Text(account, "host")));
            },
        }.With(id);
    }

    /// <param name="preset">Whose words a failure is explained in; null: those that hold everywhere.</param>
    public static async Task<int> RunAsync(Call call, string id, Preset? preset)
    {
        var path = Call.Path("v1/accounts/{0}/test", id);
        var answer = await call.Daemon.SendAsync(HttpMethod.Post, path, null, call.Stop);
        var seen = System.Text.Json.JsonSerializer.Deserialize(answer.Body!, ApiJson.Plain.AccountTestAnswer)!;
        if (call.IsJson)
            call.Done(answer.Body, "");
        else
            Tell(call, id, preset, seen);
        return seen.Ok ? ExitCode.Done : ExitCode.Failed;
    }

    private static void Tell(Call call, string id, Preset? preset, AccountTestAnswer seen)
    {
        var protection = seen.Tls ?? "without TLS";
        if (seen.Ok)
        {
            var log = seen.Authenticated ? "logged in" : "connected, without a log-in";
            call.Line($"{id}: ok, {log} ({protection}, {seen.Milliseconds:0} ms). Nothing was sent.");
            return;
        }

        call.Line($"{id}: failed at {seen.Stage} ({protection}): {seen.Error}");
        if (PresetAnswer.Explain(preset, seen.Stage, seen.SmtpCode, seen.Error) is not { } trouble)
            return;
        call.Line(trouble.Means);
        for (var i = 0; i < trouble.Steps.Count; i++)
            call.Line($"  {i + 1}. {trouble.Steps[i]}");
    }
}
