using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite.Flight;
using Microsoft.Data.Sqlite;

namespace MailProxy.Tests.Support.PowerCuts;

/// <summary>The attempts that a daemon which has ended left unsettled, by what its flight log says of them.</summary>
/// <param name="Marked">The last block had not gone out, as far as the log says.</param>
/// <param name="Out">It had gone out, and no reply had been read.</param>
/// <param name="Answered">The reply is in the log.</param>
internal readonly record struct FlightDoubts(int Marked, int Out, int Answered)
{
    /// <summary>What would be in doubt if the log had marks alone.</summary>
    public int WithMarksAlone => Marked + Out + Answered;

    /// <summary>Reads the files as they are and leaves them so: the store's log is neither carried back nor removed.</summary>
    public static FlightDoubts Read(string data)
    {
        using var file = FlightFile.TryOpen(Path.Combine(data, FlightStart.FileName));
        var store = Path.Combine(data, "mailproxy.db");
        if (file?.ReadHeader() is not { } header || !File.Exists(store))
            return default;
        var octets = file.ReadSlots();
        var records = new List<FlightRecord>();
        for (var at = 0; at < octets.Length; at += FlightSlot.Size)
        {
            if (FlightSlot.Read(octets.AsSpan(at, FlightSlot.Size), header.Run) is { } record)
                records.Add(record);
        }

        var open = Open(store, [.. records.Select(static record => record.Ticket.Id)]);
        var left = records
            .Where(record => open.Contains((record.Ticket.Id, record.Ticket.Attempt)))
            .ToLookup(static record => record.Phase);
        return new(left[FlightPhase.Marked].Count(), left[FlightPhase.Out].Count(), left[FlightPhase.Answered].Count());
    }

    public static FlightDoubts operator +(FlightDoubts one, FlightDoubts other) =>
        new(one.Marked + other.Marked, one.Out + other.Out, one.Answered + other.Answered);

    private static HashSet<(long, int)> Open(string store, IReadOnlyCollection<long> messages)
    {
        var open = new HashSet<(long, int)>();
        if (messages.Count == 0)
            return open;
        using var connection = new SqliteConnection($"Data Source={store};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT message, attempt FROM queue WHERE message IN ({string.Join(", ", messages)})";
        using var reader = command.ExecuteReader();
        while (reader.Read())
            open.Add((reader.GetInt64(0), reader.GetInt32(1)));
        return open;
    }
}
