using System.Reflection;

namespace MailProxy.Daemon.Cli;

/// <summary>The text that <c>help</c> and <c>version</c> print.</summary>
internal static class Usage
{
    public const string Text = """
        mailproxy [serve] [--Setting=value ...]   take mail over HTTP and deliver it; Ctrl+C stops
        mailproxy demo [messages]                 show it with mails of its own (default 1000), in a temporary directory
        mailproxy backup DIR [--without-keys]     copy the store of a daemon, running or not, into DIR (replaces an older backup there)
        mailproxy restore DIR                     put a backup into the data directory of a stopped daemon; sending is suspended then
        mailproxy import-genro FILE [--dry-run] [--tenant NAME] [--merge]
                                                  take a database of genro-mail-proxy over into the data directory of a stopped daemon:
                                                  tenants, keys, accounts, waiting mail, what was sent, what was not reported.
                                                  --dry-run tells what would happen; --merge leaves what is there already;
                                                  --tenant: the only tenant to import; in a version without tenants the one whose it all is
                                                  (else Genro:DefaultTenant, else default). MAIL_PROXY_ENCRYPTION_KEY as it was there.
        mailproxy migrate-store --from DIR --to-file FILE [--dry-run] [--allow-lost-bodies] [--json]
                                                  move the store of a stopped daemon from its data directory (SQLite) to PostgreSQL,
                                                  whose connection string is in FILE; back: --from-file FILE --to DIR. A string without
                                                  a password may be an argument: --to, --from. Every table is compared before it counts,
                                                  and the old store refuses to start afterwards.
        mailproxy COMMAND --help                  the commands that ask a running daemon: messages where send events operations
                                                  accounts pools volumes tenants keys webhooks batches suppressions recipients
                                                  apply export status health nodes top flow requests doctor dispatcher audit inbox; and,
                                                  without a daemon, sandbox config completions
        mailproxy help commands                   all of them with what they do, and the exit codes
        mailproxy help [command] | version

        Examples:
          mailproxy serve --urls=http://127.0.0.1:8000 --data=./data
          mailproxy demo 100
          mailproxy backup ./backup --data=./data
          mailproxy restore ./backup --data=./restored
          mailproxy import-genro ./mail_service.db --dry-run --data=./imported
          mailproxy migrate-store --from ./restored --to-file ./storage --dry-run
          mailproxy help messages list
          mailproxy version

        The settings that are needed first:
          --urls=http://127.0.0.1:8000   where HTTP listens         (MAILPROXY_URLS)
          --data=./data                  database, keys and spool   (MAILPROXY_DATA)
          --Log:Format=json              one event a line           (MAILPROXY_LOG__FORMAT)
        All of them stand in appsettings.json beside the program, with their defaults.
        """;

    /// <summary>Commands that <see cref="CommandLineClient"/> runs, so that nothing is loaded to tell them from a mistyped one.</summary>
    public static readonly string[] Others =
    [
        "messages",
        "where",
        "send",
        "events",
        "operations",
        "accounts",
        "pools",
        "volumes",
        "tenants",
        "keys",
        "webhooks",
        "batches",
        "suppressions",
        "recipients",
        "apply",
        "export",
        "status",
        "health",
        "nodes",
        "top",
        "flow",
        "requests",
        "doctor",
        "dispatcher",
        "audit",
        "inbox",
        "sandbox",
        "config",
        "completions",
    ];

    public static string Commands =>
        "There are: serve (also without a command), backup, restore, import-genro, migrate-store, demo, "
        + $"{string.Join(", ", Others)}, help and version.";

    /// <summary>Whether these words are exactly one command, or none.</summary>
    public static bool IsCommand(string[] words) =>
        words is [] or ["serve" or "backup" or "restore" or "import-genro" or "migrate-store" or "demo" or "help" or "version"];

    /// <summary>Whether --help or -h appears after a command, or among settings.</summary>
    public static bool AsksForHelp(string first, string[] words) =>
        Array.Exists(words, static word => word is "--help" or "-h") && (first.StartsWith('-') || IsCommand([first]));

    public static string Version =>
        "mailproxy "
        + (
            typeof(Usage).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? "unknown"
        );
}
