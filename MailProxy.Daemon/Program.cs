using MailProxy.Daemon.Cli;
using MailProxy.Daemon.Hosting;

return args switch
{
    ["demo", .. var rest] => await Demo.RunAsync(rest),
    ["serve", .. var rest] => await Serve.RunAsync(rest),
    ["help" or "--help" or "-h"] => Tell(Usage.Text),
    ["version" or "--version"] => Tell(Usage.Version),
    [var verb, ..] when !verb.StartsWith('-') => Refuse($"'{verb}' is not a command. There are: serve (also without a command), demo, help and version."),
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
