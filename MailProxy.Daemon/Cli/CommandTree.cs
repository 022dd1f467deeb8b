using System.CommandLine;
using System.CommandLine.Help;
using MailProxy.Daemon.Cli.Apply;
using MailProxy.Daemon.Cli.Doctor;
using MailProxy.Daemon.Cli.Verbs;

namespace MailProxy.Daemon.Cli;

/// <summary>All commands. Help, completions and docs/reference/cli.md are made from it.</summary>
internal static class CommandTree
{
    /// <param name="help">The option that asks for help, after any command.</param>
    public static RootCommand Make(out Option help)
    {
        var root = new RootCommand("Sends mail that it is given over HTTP, and lets people see and steer what becomes of it.");
        root.Directives.Clear();
        root.Options.Clear();
        help = new HelpOption("--help", "-h", "-?") { Description = "What a command does, with an example.", Recursive = true };
        root.Add(help);
        foreach (var option in CommonOptions.All)
        {
            option.Recursive = true;
            root.Add(option);
        }

        foreach (var verb in Verbs())
            root.Add(verb);
        return root;
    }

    private static IEnumerable<Verb> Verbs() =>
        [
            .. OwnVerbs.Make(),
            MessageVerbs.Make(),
            MessageVerbs.Where(),
            SendVerb.Make(),
            EventVerbs.Make(),
            OperationVerbs.Make(),
            ResourceVerbs.MakeAccounts(),
            ResourceVerbs.MakePools(),
            ResourceVerbs.MakeVolumes(),
            ResourceVerbs.MakeTenants(),
            KeyVerbs.Make(),
            ResourceVerbs.MakeWebhooks(),
            ResourceVerbs.MakeBatches(),
            SuppressionVerbs.Make(),
            InstallationVerbs.Recipients(),
            ApplyVerb.Make(),
            ExportVerb.Make(),
            InstallationVerbs.Status(),
            InstallationVerbs.Health(),
            NodesVerb.Make(),
            TopVerb.Make(),
            WatchVerbs.Flow(),
            WatchVerbs.Requests(),
            DoctorVerb.Make(),
            InstallationVerbs.Dispatcher(),
            InstallationVerbs.Audit(),
            WatchVerbs.Inbox(),
            SandboxVerb.Make(),
            ConfigVerbs.Make(),
            CompletionVerbs.Make(),
        ];
}
