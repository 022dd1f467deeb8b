using System.Text.Json.Nodes;
using MailProxy.Daemon.Client;
using MailProxy.Daemon.Presets;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The command <c>accounts add</c>: an account of a known provider, asked for what is needed, and tested at once.</summary>
internal static class AccountAdd
{
    private const string None = "*";

    public static Verb Make()
    {
        var id = Words.OptionalWord("ID", "The account's id; without it the preset's name.");
        var preset = Words.Choice("--preset", "The provider.", [.. PresetCatalog.All.Select(static one => one.Id)]);
        var fields = PresetCatalog
            .All.SelectMany(static one => one.Fields)
            .Where(static field => !field.IsSecret)
            .GroupBy(static field => field.Name)
            .ToDictionary(static group => group.Key, static group => Words.Text("--" + group.Key, "TEXT", Describe(group.Key)));
        var secret = Words.Text(
            "--password-file",
            "FILE",
            "The password, key or token, in a file; - is standard input. It is asked for without it."
        );
        var replace = Words.Flag("--replace", "Take the place of an account of this id.");
        var untested = Words.Flag("--no-test", "Do not log in now.");
        return new Verb("add", "Make an account of a known provider: asks only what is needed, logs in at once, and says what is wrong.")
        {
            Details =
                "Everything that the preset needs and that no option says is asked for, when somebody is there. Nothing "
                + "is sent by the test. "
                + "docs/guide/providers.md goes through each provider.",
            Examples =
            [
                "mailproxy accounts add --preset postmark --from @example.com --password-file token.txt --no-test",
                "mailproxy accounts add spare --preset generic --host 127.0.0.1 --port 2525 --security none --replace --no-test",
            ],
            Run = async call =>
            {
                var chosen = Choose(call, call.Get(preset));
                var name = call.Get(id) ?? chosen.Id;
                var given = new Dictionary<string, string>();
                foreach (var (field, option) in fields)
                {
                    if (call.Get(option) is { } text)
                        given[field] = text;
                }

                if (call.Get(secret) is { } file)
                    given[PresetFields.Password] = (await Files.ReadTextAsync(call, file, "--password-file")).Trim();
                CheckUnused(chosen, given);
                var account = Complete(call, chosen, given);
                await PutAsync(call, name, account, call.Get(replace));
                return call.Get(untested) ? ExitCode.Done : await TestAsync(call, name, chosen);
            },
        }
            .With(id, preset)
            .With([.. fields.Values])
            .With(secret, replace, untested);
    }

    private static Preset Choose(Call call, string? id)
    {
        var known = string.Join(", ", PresetCatalog.All.Select(static one => one.Id));
        if (id is null && call.Terminal.IsInteractive)
        {
            foreach (var one in PresetCatalog.All)
                call.Note($"  {one.Id, -10} {one.Title}");
            id = Ask(call, "Provider");
        }

        return id is not null && PresetCatalog.Find(id) is { } preset
            ? preset
            : throw new UsageException($"Which provider? Say --preset with one of: {known}.");
    }

    private static void CheckUnused(Preset preset, Dictionary<string, string> given)
    {
        if (given.Keys.FirstOrDefault(name => preset.Fields.All(field => field.Name != name)) is { } unused)
            throw new UsageException(
                $"--{unused}: the preset {preset.Id} does not ask for it. It asks for: "
                    + string.Join(", ", preset.Fields.Select(static field => field.IsSecret ? "--password-file" : "--" + field.Name))
                    + "."
            );
    }

    private static JsonObject Complete(Call call, Preset preset, Dictionary<string, string> given)
    {
        var asks = call.Terminal.IsInteractive;
        var missing = preset
            .Fields.Where(field => !given.ContainsKey(field.Name) && field is { IsOptional: false, Default: null })
            .ToArray();
        if (asks && missing.Length > 0)
            AskAll(call, preset, given);
        var (account, mistakes) = PresetAnswer.Bind(preset, given);
        return account
            ?? throw new UsageException(
                string.Join(
                    '\n',
                    mistakes.Select(mistake =>
                    {
                        var field = preset.Fields.First(one => one.Name == mistake.Key);
                        return $"{(field.IsSecret ? "--password-file" : "--" + field.Name)} ({field.Label}): {mistake.Value}"
                            + (mistake.Value.EndsWith(field.Hint, StringComparison.Ordinal) ? "" : $" {field.Hint}");
                    })
                )
            );
    }

    private static void AskAll(Call call, Preset preset, Dictionary<string, string> given)
    {
        call.Note(preset.Title);
        for (var i = 0; i < preset.Before.Count; i++)
            call.Note($"  {i + 1}. {preset.Before[i]}");
        foreach (var field in preset.Fields.Where(field => !given.ContainsKey(field.Name)))
        {
            call.Note(field.Hint);
            while (true)
            {
                var label =
                    field.Default is { } usual ? $"{field.Label} [{usual}]"
                    : field.IsOptional ? $"{field.Label} (optional)"
                    : field.Label;
                var text = field.Clean(field.IsSecret ? AskSecret(call, label) : Ask(call, label));
                if (text.Length == 0)
                    text = field.Default ?? "";
                if (field.Mistake(text) is not { } mistake)
                {
                    given[field.Name] = text;
                    break;
                }

                call.Note($"  {mistake}");
            }
        }
    }

    private static async Task PutAsync(Call call, string id, JsonObject account, bool replace)
    {
        try
        {
            var path = Call.Path("v1/accounts/{0}", id);
            var answer = await call.Daemon.SendAsync(HttpMethod.Put, path, account, call.Stop, replace ? null : None);
            if (!call.IsJson)
                call.Line($"The account {id} is there.");
            else
                call.Done(answer.Body, "");
        }
        catch (DaemonException error) when (error.Code == "precondition_failed")
        {
            throw new DaemonException(
                DaemonTrouble.Conflict,
                $"There is an account {id} already: name another ID, or say --replace.",
                error
            );
        }
    }

    private static async Task<int> TestAsync(Call call, string id, Preset preset)
    {
        var code = await AccountTest.RunAsync(call, id, preset);
        if (call.IsJson)
            return code;
        call.Line(
            code == ExitCode.Done
                ? $"The first mail: mailproxy send --account {id} --from … --to … --subject Hello --text \"It works.\" --wait"
                : $"The account is kept. Give what was wrong again with --replace, try again by mailproxy accounts test {id}, or delete it."
        );
        return code;
    }

    private static string Ask(Call call, string label)
    {
        call.Terminal.Error.Write(label + ": ");
        return call.Terminal.In.ReadLine()?.Trim() ?? throw new UsageException($"{label}: the input has ended.");
    }

    private static string AskSecret(Call call, string label)
    {
        call.Terminal.Error.Write(label + ": ");
        return call.Terminal.ReadSecret() ?? throw new UsageException($"{label}: the input has ended.");
    }

    // What it is of each preset that asks for it.
    private static string Describe(string name) =>
        string.Join(
            "; ",
            PresetCatalog
                .All.Where(one => one.Fields.Any(field => field.Name == name))
                .GroupBy(one => one.Fields.First(field => field.Name == name).Label)
                .Select(static group => $"{group.Key} ({string.Join(", ", group.Select(static one => one.Id))})")
        ) + ".";
}
