namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>
/// Commands that are the daemon itself or work on its files. They are run before this tree is made, so that a start loads nothing of it;
/// here they stand for help, completions and the reference.
/// </summary>
internal static class OwnVerbs
{
    public static IEnumerable<Verb> Make() =>
        [
            new("serve", "Take mail over HTTP and deliver it, until it is stopped; the same as no command. Settings: --Name=value.")
            {
                IsOwn = true,
                IsEndless = true,
                Examples = ["mailproxy serve --urls=http://127.0.0.1:8000 --data=./data"],
            },
            new("demo", "Show it with mails of its own (1000, or as many as are said), in a temporary directory.")
            {
                IsOwn = true,
                Examples = ["mailproxy demo 100"],
            },
            new("backup", "Copy the store of a daemon of this machine, running or not, into a directory.")
            {
                IsOwn = true,
                Examples = ["mailproxy backup ./backup --data=./data"],
            },
            new("restore", "Put a backup into the data directory of a stopped daemon; sending is suspended then.")
            {
                IsOwn = true,
                Examples = ["mailproxy restore ./backup --data=./restored"],
            },
            new("import-genro", "Take a database of genro-mail-proxy over into the data directory of a stopped daemon.")
            {
                IsOwn = true,
                Examples = ["mailproxy import-genro ./mail_service.db --dry-run --data=./imported"],
            },
            new("migrate-store", "Move the store of a stopped daemon from SQLite to PostgreSQL, or back.")
            {
                IsOwn = true,
                Examples = ["mailproxy migrate-store --from ./restored --to-file ./storage --dry-run"],
            },
            new("version", "The version of this program.") { IsOwn = true, Examples = ["mailproxy version"] },
            new("help", "What there is, or what a command does.") { IsOwn = true, Examples = ["mailproxy help messages list"] },
        ];
}
