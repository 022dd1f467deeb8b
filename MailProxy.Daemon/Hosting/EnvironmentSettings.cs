using System.Collections;
using System.Text.RegularExpressions;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Reads settings from environment variables: <c>MAILPROXY_INGEST__MAXMESSAGES</c> is <c>Ingest:MaxMessages</c>; short names such as
/// <c>MAILPROXY_ADMIN_KEY</c> lose their underscores. Pure.
/// </summary>
internal static partial class EnvironmentSettings
{
    /// <summary>Names the settings file to read instead of the installed one.</summary>
    public const string FileVariable = Prefix + "SETTINGS_FILE";

    private const string Prefix = "MAILPROXY_";

    /// <summary>Variables of the command line tools and of this reader, which are not settings of the daemon.</summary>
    private static readonly HashSet<string> NotSettings = new(StringComparer.Ordinal)
    {
        Prefix + "SERVER",
        Prefix + "URL",
        Prefix + "KEY",
        Prefix + "KEY_FILE",
        FileVariable,
    };

    public static (IReadOnlyList<SettingValue> Values, IReadOnlyList<string> Mistakes) Read(IDictionary environment)
    {
        var values = new Dictionary<string, SettingValue>(StringComparer.OrdinalIgnoreCase);
        var mistakes = new List<string>();
        foreach (var name in environment.Keys.Cast<string>().Order(StringComparer.Ordinal))
        {
            var text = (string?)environment[name];
            if (!name.StartsWith(Prefix, StringComparison.Ordinal) || NotSettings.Contains(name) || IsInjected(name, text ?? ""))
                continue;
            var path = string.Join(':', name[Prefix.Length..].Split("__").Select(part => part.Replace("_", "", StringComparison.Ordinal)));
            if (!values.TryAdd(path, new(path, text, name)))
                mistakes.Add($"{name}: means the same as {values[path].Origin}; set one of " + $"the two.");
        }

        return ([.. values.Values], mistakes);
    }

    /// <summary>
    /// Whether Kubernetes or <c>docker --link</c> set the variable, because the name of a service in the namespace begins like ours.
    /// </summary>
    private static bool IsInjected(string name, string text) =>
        ServiceName().IsMatch(name)
        || (PortName().IsMatch(name) && PortText().IsMatch(text))
        || (LinkName().IsMatch(name) && text.StartsWith('/'));

    // MAILPROXY_SERVICE_HOST, …_SERVICE_PORT, …_SERVICE_PORT_HTTP, …_PORT_8000_TCP, …_PORT_8000_TCP_ADDR, …_ENV_HOME; also of a service
    // that is called mailproxy-smtp.
    [GeneratedRegex(
        "^MAILPROXY_([A-Z0-9]+_)*?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|"
            + "PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?|ENV_[A-Za-z0-9_]+)$"
    )]
    private static partial Regex ServiceName();

    [GeneratedRegex("^MAILPROXY_([A-Z0-9]+_)*?PORT$")]
    private static partial Regex PortName();

    [GeneratedRegex("^(tcp|udp|sctp)://")]
    private static partial Regex PortText();

    [GeneratedRegex("^MAILPROXY_([A-Z0-9]+_)*?NAME$")]
    private static partial Regex LinkName();
}
