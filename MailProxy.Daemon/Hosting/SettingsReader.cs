using System.Collections;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Profiles;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Reads the settings from files, environment and command line, where later ones override earlier ones, and reports every mistake at once.
/// </summary>
internal static class SettingsReader
{
    public const string InstalledFile = "/etc/mailproxy/appsettings.json";

    private const string CredentialsOfService = "/run/credentials/mailproxy.service";

    /// <summary>The settings, or every reason why they are invalid.</summary>
    /// <param name="isClient">
    /// Who asks looks for a daemon of this machine, and need not see its secrets: a database that cannot be reached with what this user may
    /// read is no mistake.
    /// </param>
    public static (DaemonSettings? Settings, IReadOnlyList<string> Mistakes) Read(
        string[] args,
        string baseDirectory,
        string installedFile,
        IDictionary environment,
        bool isClient = false
    )
    {
        var named = environment[EnvironmentSettings.FileVariable] as string;
        var fromArguments = CommandLine.Read(args);
        (IReadOnlyList<SettingValue> Values, IReadOnlyList<string> Mistakes)[] sources =
        [
            SettingsFile.Read(Path.Combine(baseDirectory, "appsettings.json"), required: false),
            SettingsFile.Read(string.IsNullOrEmpty(named) ? installedFile : named, required: !string.IsNullOrEmpty(named)),
            EnvironmentSettings.Read(environment),
            fromArguments,
        ];
        string[] mistakes = [.. fromArguments.Mistakes, .. sources.SkipLast(1).SelectMany(s => s.Mistakes)];
        var last = Last(sources.SelectMany(s => TextLists.Joined(s.Values)));
        GenroVariables.Add(environment, last);
        OtelVariables.Add(environment, last);
        var (settings, more) = Read(last, isClient);
        return (mistakes.Length > 0 ? null : settings, [.. mistakes, .. more]);
    }

    /// <summary>The settings, or every reason why they are invalid.</summary>
    public static (DaemonSettings? Settings, IReadOnlyList<string> Mistakes) Read(IConfiguration configuration) =>
        Read(Last(TextLists.Joined(configuration.AsEnumerable().Select(pair => new SettingValue(pair.Key, pair.Value, "")))));

    // By path, whichever spelling each source has.
    private static Dictionary<string, SettingValue> Last(IEnumerable<SettingValue> values)
    {
        var last = new Dictionary<string, SettingValue>(StringComparer.OrdinalIgnoreCase);
        foreach (var value in values.Select(FormerSettings.Renamed))
            last[value.Path] = value;
        return last;
    }

    private static (DaemonSettings? Settings, IReadOnlyList<string> Mistakes) Read(
        Dictionary<string, SettingValue> last,
        bool isClient = false
    )
    {
        // A setting that is explicitly nothing has its default.
        var texts = last.Values.Where(v => v.Text is not null).ToDictionary(v => v.Path, v => v.Text, StringComparer.OrdinalIgnoreCase);
        var check = SettingsCheck.Of(Bindable(texts), last, typeof(DaemonSettings), typeof(PipelineOptions));
        if (check.Mistakes.Count > 0)
            return (null, check.Mistakes);

        foreach (var (path, time) in check.Times)
            texts[path] = Durations.Write(time);
        var configuration = Bindable(texts);
        var settings = configuration.Get<DaemonSettings>() ?? new();
        settings.Engine = configuration.Get<PipelineOptions>() ?? new();
        var (profiles, wrong) = ProfileSet.Load(settings.Verdicts.Directory);
        settings.Profiles = (profiles ?? ProfileSet.Shipped).Copy();
        settings.Given = last.ToDictionary(pair => pair.Key, pair => pair.Value.Text, StringComparer.OrdinalIgnoreCase);
        string[] combined =
        [
            .. SettingsRules.Mistakes(settings),
            .. wrong.Select(mistake => $"Verdicts:Directory: {mistake}"),
            .. OtlpHeaders.Load(settings.Telemetry.Otlp),
            .. StorageConnection.Load(settings.Storage, Credentials(isClient)),
        ];
        if (settings.Storage.Trouble is { } trouble && !isClient)
            combined = [.. combined, trouble];
        return combined.Length > 0 ? (null, combined) : (settings, []);
    }

    // Those of the running service are root's to read.
    private static string? Credentials(bool isClient) =>
        Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY") ?? (isClient ? CredentialsOfService : null);

    private static IConfiguration Bindable(IReadOnlyDictionary<string, string?> texts) =>
        new ConfigurationBuilder().AddInMemoryCollection(texts).Build();
}
