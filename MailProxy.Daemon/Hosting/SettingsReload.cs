using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Reads the settings once more while the daemon runs, and applies what can change then: <c>Log:Level</c>, the admin key, and the profiles
/// in <c>Verdicts:Directory</c>. Of the others the log says that they take a restart. Wrong settings change nothing.
/// </summary>
internal sealed partial class SettingsReload(
    DaemonSettings settings,
    Func<(DaemonSettings? Settings, IReadOnlyList<string> Mistakes)> read,
    LogLevels levels,
    AdminKey adminKey,
    ILogger logger
)
{
    private static readonly string[] Applied = ["Log:Level", "AdminKey", "Verdicts:Directory"];

    private readonly Lock _one = new();

    /// <summary>Whatever goes wrong is logged: it runs on the thread of a signal, where an exception would end the process.</summary>
    public void Run()
    {
        try
        {
            Apply();
        }
        catch (Exception error)
        {
            Log.Failed(logger, error);
        }
    }

    private void Apply()
    {
        lock (_one)
        {
            var (next, mistakes) = read();
            foreach (var mistake in mistakes)
                Log.Wrong(logger, mistake);
            if (next is null || KeyOf(next) is not { } key)
            {
                Log.Kept(logger);
                return;
            }

            levels.Set(next.Log.Level);
            adminKey.ReplaceBy(key);
            settings.Profiles.ReplaceBy(next.Profiles);
            var later = Changed(settings.Given, next.Given).Except(Applied, StringComparer.OrdinalIgnoreCase).Order().ToList();
            if (later.Count > 0)
                Log.NeedRestart(logger, string.Join(", ", later));
            Log.Reloaded(logger);
        }
    }

    // In the data directory that is in use: a changed one takes a restart.
    private AdminKey? KeyOf(DaemonSettings next)
    {
        try
        {
            return AdminKey.Open(next.AdminKey, Path.GetFullPath(settings.Data), logger);
        }
        catch (StoreRefusedException error)
        {
            Log.Wrong(logger, error.Message);
            return null;
        }
    }

    // Names only: a value may be a secret.
    private static IEnumerable<string> Changed(IReadOnlyDictionary<string, string?> before, IReadOnlyDictionary<string, string?> now) =>
        before
            .Keys.Union(now.Keys, StringComparer.OrdinalIgnoreCase)
            .Where(path => before.GetValueOrDefault(path) != now.GetValueOrDefault(path));

    private static partial class Log
    {
        [LoggerMessage(16, LogLevel.Error, "Reloading the settings failed; what was not applied takes a restart")]
        public static partial void Failed(ILogger logger, Exception fault);

        [LoggerMessage(12, LogLevel.Error, "The settings are wrong: {Mistake}")]
        public static partial void Wrong(ILogger logger, string mistake);

        [LoggerMessage(13, LogLevel.Error, "The settings were not reloaded; those from before stay in force")]
        public static partial void Kept(ILogger logger);

        [LoggerMessage(14, LogLevel.Warning, "These settings changed and take a restart: {Settings}")]
        public static partial void NeedRestart(ILogger logger, string settings);

        [LoggerMessage(15, LogLevel.Information, "The settings were reloaded: log level, admin key and profiles are in force")]
        public static partial void Reloaded(ILogger logger);
    }
}
