using MailProxy.Pipeline.Disk;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>Where a store is: a data directory with SQLite's file, or a PostgreSQL database.</summary>
/// <param name="Text">The directory, or the connection string.</param>
/// <param name="IsPostgres">Which of the two.</param>
/// <param name="Option">What named it, for complaints: <c>--from</c>.</param>
public sealed record MovePlace(string Text, bool IsPostgres, string Option)
{
    /// <summary>The place without its secrets.</summary>
    public string Name => IsPostgres ? NameOfDatabase() : Path.GetFullPath(Text);

    /// <summary>The place in a sentence that is read elsewhere.</summary>
    internal string Description => IsPostgres ? $"PostgreSQL ({Name})" : $"the data directory '{Name}' of {Environment.MachineName}";

    internal string File(string name) => Path.Combine(Name, name);

    private string NameOfDatabase()
    {
        try
        {
            var parts = new NpgsqlConnectionStringBuilder(Text);
            return $"{parts.Host}:{parts.Port}/{parts.Database ?? parts.Username}";
        }
        catch (Exception error) when (error is ArgumentException or FormatException or KeyNotFoundException)
        {
            throw new StoreRefusedException($"{Option} is no connection string: {error.Message}", error);
        }
    }
}
