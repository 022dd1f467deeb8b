using System.Reflection;

namespace MailProxy.Daemon.Cli;

/// <summary>What <c>help</c> and <c>version</c> print.</summary>
internal static class Usage
{
    public const string Text = """
        mailproxy [serve] [--Setting=value ...]   take mail over HTTP and deliver it; Ctrl+C stops
        mailproxy demo [messages]                 show it with mails of its own (default 1000), in a temporary directory
        mailproxy help | version

        The settings that are needed first:
          --urls=http://127.0.0.1:8000   where HTTP listens         (MAILPROXY_URLS)
          --data=./data                  database, keys and spool   (MAILPROXY_DATA)
          --Log:Format=json              one event a line           (MAILPROXY_LOG__FORMAT)
        All of them stand in appsettings.json beside the program, with their defaults.
        """;

    public static string Version =>
        "mailproxy " + (typeof(Usage).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown");
}
