using System.Collections;
using MailProxy.Pipeline;

namespace MailProxy.Daemon.Hosting;

/// <summary>Reads the settings from files, environment and command line, later ones over earlier, and reports every mistake at once.</summary>
internal static class SettingsReader
{
    public const string InstalledFile = "/etc/mailproxy/appsettings.json";

    private const string Prefix = "MAILPROXY_";

    /// <summary>Variables of the command line tools, not of the daemon.</summary>
    private static readonly HashSet<string> NotSettings = new(StringComparer.OrdinalIgnoreCase) { "Url", "Key" };

    /// <summary>The settings, or every reason why there are none.</summary>
    public static (DaemonSettings? Settings, IReadOnlyList<string> Mistakes) Read(string[] args, string baseDirectory, string installedFile, IDictionary environment)
    {
        var (values, mistakes) = CommandLine.Read(args);
        try
        {
            var sources = new ConfigurationBuilder()
                .AddJsonFile(Path.Combine(baseDirectory, "appsettings.json"), optional: true, reloadOnChange: false)
                .AddJsonFile(installedFile, optional: true, reloadOnChange: false)
                .AddInMemoryCollection(FromEnvironment(environment))
                .AddInMemoryCollection(values)
                .Build();
            var (settings, more) = Read(sources);
            return (mistakes.Count > 0 ? null : settings, [.. mistakes, .. more]);
        }
        catch (InvalidDataException broken)
        {
            // It names the file; the line and column are in the inner one. Neither has the text.
            return (null, [.. mistakes, $"{broken.Message} {broken.InnerException?.InnerException?.Message ?? broken.InnerException?.Message}".Trim()]);
        }
    }

    /// <summary>The settings, or every reason why there are none.</summary>
    public static (DaemonSettings? Settings, IReadOnlyList<string> Mistakes) Read(IConfiguration configuration)
    {
        var mistakes = SettingsCheck.Mistakes(configuration, typeof(DaemonSettings), typeof(PipelineOptions));
        if (mistakes.Count > 0) return (null, mistakes);

        var settings = configuration.Get<DaemonSettings>() ?? new();
        settings.Engine = configuration.Get<PipelineOptions>() ?? new();
        return settings.Engine.Limits is { Burst: not null, PerSecond: null } ? (null, ["Limits:Burst: only together with Limits:PerSecond."]) : (settings, mistakes);
    }

    /// <summary>MAILPROXY_INGEST__MAXMESSAGES is Ingest:MaxMessages; short names such as MAILPROXY_ADMIN_KEY lose their underscores.</summary>
    private static Dictionary<string, string?> FromEnvironment(IDictionary environment)
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry variable in environment)
        {
            var name = (string)variable.Key;
            if (!name.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            var key = string.Join(':', name[Prefix.Length..].Split("__").Select(part => part.Replace("_", "", StringComparison.Ordinal)));
            if (!NotSettings.Contains(key)) values[key] = (string?)variable.Value;
        }

        return values;
    }
}
