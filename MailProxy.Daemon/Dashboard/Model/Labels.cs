namespace MailProxy.Daemon.Dashboard.Model;

/// <summary>Names of the API's members as people read them.</summary>
internal static class Labels
{
    /// <summary><c>max_connections</c> is shown as "Max connections".</summary>
    public static string Of(string name) => name.Length == 0 ? "" : char.ToUpperInvariant(name[0]) + name[1..].Replace('_', ' ');

    public static string Bytes(long bytes) =>
        bytes switch
        {
            < 1 << 10 => $"{bytes} B",
            < 1 << 20 => $"{bytes / 1024.0:0.0} KB",
            < 1 << 30 => $"{bytes / 1048576.0:0.0} MB",
            _ => $"{bytes / 1073741824.0:0.0} GB",
        };

    public static string Seconds(double? seconds) =>
        seconds switch
        {
            null => "–",
            < 1 => $"{seconds * 1000:0} ms",
            < 120 => $"{seconds:0.0} s",
            < 7200 => $"{seconds / 60:0} min",
            _ => $"{seconds / 3600:0} h",
        };
}
