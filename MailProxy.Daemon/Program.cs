using MailProxy.Daemon.Cli;
using MailProxy.Daemon.Hosting;

return args switch
{
    ["demo", .. var rest] => await Demo.RunAsync(rest),
    ["serve", .. var rest] => await Serve.RunAsync(rest),
    [var verb, ..] when !verb.StartsWith('-') => Refuse($"'{verb}' is not a command. There are: serve (also without a command) and demo."),
    _ => await Serve.RunAsync(args),
};

static int Refuse(string reason)
{
    Console.Error.WriteLine("mailproxy: " + reason);
    return 2;
}
