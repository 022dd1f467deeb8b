using System.CommandLine;

namespace MailProxy.Daemon.Cli;

/// <summary>Options that every command takes which asks a daemon.</summary>
internal static class CommonOptions
{
    public const int DefaultTimeout = 30;

    public static readonly Option<string?> Server = Words.Text(
        "--server",
        "URL",
        "The daemon: http://host:port, https://host, or unix:/path (MAILPROXY_SERVER). Without it, one of this machine: "
            + "by the socket in its "
            + "data directory, else by its settings."
    );

    public static readonly Option<string?> KeyFile = Words.Text(
        "--key-file",
        "FILE",
        "The key, in a file; - is standard input (MAILPROXY_KEY_FILE, or the key itself in MAILPROXY_KEY). Without it "
            + "admin.key of the data "
            + "directory."
    );

    public static readonly Option<string?> Tenant = Words.Text(
        "--tenant",
        "ID",
        "On whose objects the admin key acts: a tenant's, or those of default. Lists take '*' for all."
    );

    public static readonly Option<string?> Data = Words.Text(
        "--data",
        "DIR",
        "Data directory of a daemon of this machine (MAILPROXY_DATA)."
    );

    public static readonly Option<string?> Config = Words.Text(
        "--config",
        "FILE",
        "Settings file of a daemon of this machine (MAILPROXY_SETTINGS_FILE, else /etc/mailproxy/appsettings.json)."
    );

    public static readonly Option<int?> Timeout = Words.Number(
        "--timeout",
        "SECONDS",
        $"How long the daemon may take to answer; {DefaultTimeout} without it.",
        1,
        3_600
    );

    public static readonly Option<bool> Json = Words.Flag("--json", "For programs: what the daemon answers, as JSON.");

    public static IReadOnlyList<Option> All { get; } = [Server, KeyFile, Tenant, Data, Config, Timeout, Json];
}
