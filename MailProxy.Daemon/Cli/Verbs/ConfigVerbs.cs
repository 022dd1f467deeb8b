using System.Text.Json.Nodes;
using MailProxy.Daemon.Hosting;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The command <c>config check</c>.</summary>
internal static class ConfigVerbs
{
    public static Verb Make() =>
        new Verb("config", "The settings of a daemon of this machine.").With(
            new Verb("check", "Read the settings as serve would, and tell every mistake. Nothing is started. Exit code 2: there are some.")
            {
                Details = "Files, variables and --data and --config count as with serve; a daemon that runs is not asked.",
                Examples = ["mailproxy config check", "mailproxy config check --config ./appsettings.json"],
                Run = call => Task.FromResult(Check(call)),
            }
        );

    private static int Check(Call call)
    {
        var (data, config) = call.Places;
        var (settings, mistakes) = call.Finder.Read(data, config);
        if (settings?.Storage.Trouble is { } trouble)
            (settings, mistakes) = (null, [trouble]);
        if (call.IsJson)
        {
            var answer = new JsonObject
            {
                ["ok"] = settings is not null,
                ["mistakes"] = new JsonArray([.. mistakes.Select(static mistake => (JsonNode)mistake)]),
            };
            call.Done(answer, "");
        }
        else if (settings is null)
        {
            foreach (var mistake in mistakes)
                call.Note("mailproxy: " + mistake);
        }
        else
        {
            call.Line($"The settings are right: data in {Path.GetFullPath(settings.Data)}, HTTP at {settings.Urls}.");
            call.Line($"Socket for this command line: {LocalSocket.PathOf(settings) ?? "none"}.");
        }

        return settings is null ? ExitCode.Usage : ExitCode.Done;
    }
}
