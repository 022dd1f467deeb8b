namespace MailProxy.Daemon.Hosting;

/// <summary>Settings that had another name once: a file that was written for it goes on to work.</summary>
internal static class FormerSettings
{
    private static readonly Dictionary<string, string> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Ingest:DoorCapacity"] = "Ingest:ChannelCapacity",
        ["Ingest:DoorBytes"] = "Ingest:RequestBytes",
        ["Ingest:DoorWait"] = "Ingest:RequestWait",
    };

    /// <summary>Former and present names.</summary>
    public static IReadOnlyDictionary<string, string> All => Names;

    /// <summary>The value under the name that the setting has now.</summary>
    public static SettingValue Renamed(SettingValue value) =>
        Names.TryGetValue(value.Path, out var now) ? value with { Path = now } : value;
}
