using System.ComponentModel.DataAnnotations;

namespace MailProxy.Daemon.Hosting;

/// <summary>This process among others that share a PostgreSQL database.</summary>
public sealed class NodeSettings
{
    /// <summary>What this node is called; each has a name of its own. None: the machine's.</summary>
    [RegularExpression(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", ErrorMessage = "Must be 1 to 63 of A-Z, a-z, 0-9, '.', '_' and '-'.")]
    public string? Name { get; init; }

    /// <summary>How often it tells the others that it lives.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:00:30")]
    public TimeSpan Beat { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A node that has not told so for this long is declared dead, and others send its mail. The same at every node.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How much earlier a node that cannot reach the database withholds the last block of each mail by itself.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan Margin { get; init; } = TimeSpan.FromSeconds(1);
}
