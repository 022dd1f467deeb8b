using MailProxy.Daemon.Cli;
using MailProxy.Daemon.Hosting;

// Mail and keys are their owner's only, in every file that is made, whatever the shell says.
FileModes.OwnerOnly();

return args switch
{
    [var first, ..] when Usage.AsksForHelp(first, args) => Tell(Usage.Text),
    ["help", .. var topic] when Usage.IsCommand(topic) => Tell(Usage.Text),
    ["help", "commands"] => await CommandLineClient.RunAsync(["--help"]),
    ["help", var verb, .. var more] when Usage.Others.Contains(verb) => await CommandLineClient.RunAsync([verb, .. more, "--help"]),
    ["help", .. var topic] => Refuse($"There is no help for '{string.Join(' ', topic)}'. {Usage.Commands}"),
    [.. var before, "--version"] when Usage.IsCommand(before) => Tell(Usage.Version),
    ["demo", .. var rest] => await Demo.RunAsync(rest),
    ["serve", .. var rest] => await Serve.RunAsync(rest),
    ["backup", .. var rest] => await BackupCommand.RunAsync(rest),
    ["restore", .. var rest] => await RestoreCommand.RunAsync(rest),
    ["import-genro", .. var rest] => await ImportGenroCommand.RunAsync(rest),
    ["migrate-store", .. var rest] => await MigrateStoreCommand.RunAsync(rest),
    ["version"] => Tell(Usage.Version),
    [var verb, ..] when Usage.Others.Contains(verb) => await CommandLineClient.RunAsync(args),
    [var verb, ..] when !verb.StartsWith('-') => Refuse($"'{verb}' is not a command. {Usage.Commands}"),
    _ => await Serve.RunAsync(args),
};

static int Tell(string text)
{
    Console.Out.WriteLine(text);
    return 0;
}

static int Refuse(string reason)
{
    Console.Error.WriteLine("mailproxy: " + reason);
    return 2;
}
