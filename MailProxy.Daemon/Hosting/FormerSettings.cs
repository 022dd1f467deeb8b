namespace MailProxy.Daemon.Hosting;

/// <summary>Settings that were renamed: a file written for the old name continues to work.</summary>
internal static class FormerSettings
{
    private static readonly Dictionary<string, string> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Ingest:DoorCapacity"] = "Ingest:ChannelCapacity",
        ["Ingest:DoorBytes"] = "Ingest:RequestBytes",
        ["Ingest:DoorWait"] = "Ingest:RequestWait",
    };

    /// <summary>The current name of each former name.</summary>
    public static IReadOnlyDictionary<string, string> All => Names;

    /// <summary>The value under the current name of its setting.</summary>
    public static SettingValue Renamed(SettingValue value) =>
        Names.TryGetValue(value.Path, out var now) ? value with { Path = now } : value;
}
