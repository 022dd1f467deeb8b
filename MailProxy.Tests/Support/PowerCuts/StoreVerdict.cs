using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite.Flight;
using Microsoft.Data.Sqlite;

namespace MailProxy.Tests.Support.PowerCuts;

/// <summary>What a store and the outside say of each other after a power cut, when everything that could be has been sent.</summary>
internal sealed class StoreVerdict
{
    private readonly Dictionary<string, (long Number, MessageState State)> _messages = [];
    private readonly Dictionary<long, string> _ids = [];
    private readonly Dictionary<long, ToldEvent> _events = [];
    private readonly HashSet<string> _admitted = [];

    /// <param name="database">The database file of a stopped daemon.</param>
    /// <param name="cuts">The lives that were cut, with the instants.</param>
    public StoreVerdict(string database, History history, IReadOnlyList<(Witness Life, long At)> cuts, int connections)
    {
        Read(database);
        foreach (var (id, _) in history.Acknowledged)
            Judge(id, history);
        Acknowledged = history.Acknowledged.Count;
        foreach (var (id, _) in history.Delivered.Where(static d => d.Value > 1))
        {
            Doubled++;
            if (!_admitted.Contains(id))
                Wrong.Add($"{id} came twice, and no message.ambiguous says so");
        }

        Admitted = _admitted.Count;
        foreach (var told in history.Told.Where(told => !_events.TryGetValue(told.Position, out var kept) || kept != told))
            Wrong.Add($"an event that was told is another or gone: {told}");
        JudgeMarks(history, cuts, connections);
    }

    /// <summary>Every broken promise, in words.</summary>
    public List<string> Wrong { get; } = [];

    public int Acknowledged { get; }

    public int Doubled { get; }

    /// <summary>Messages with a message.ambiguous event.</summary>
    public int Admitted { get; }

    /// <summary>Closed or held as ambiguous, though no server read their final dot: they had a mark when the power went.</summary>
    public int Unseen { get; private set; }

    private void Judge(string id, History history)
    {
        var isDelivered = history.Delivered.ContainsKey(id);
        if (!_messages.TryGetValue(id, out var message))
        {
            Wrong.Add($"{id} was acknowledged, and the store does not know it");
            return;
        }

        var isDoubtTold = message.State is MessageState.Ambiguous or MessageState.Held && _admitted.Contains(id);
        if (message.State != MessageState.Sent && !isDoubtTold)
            Wrong.Add($"{id} ended as {message.State}");
        else if (!isDelivered && !isDoubtTold)
            Wrong.Add($"{id} was acknowledged, is told as {message.State}, and never arrived");
    }

    /// <summary>What was never sent is closed as ambiguous only after a mark that was asked for when its turn had come.</summary>
    private void JudgeMarks(History history, IReadOnlyList<(Witness Life, long At)> cuts, int connections)
    {
        var unseen = _messages
            .Where(m => m.Value.State is MessageState.Ambiguous or MessageState.Held && !history.Delivered.ContainsKey(m.Key))
            .Select(static m => m.Key)
            .ToHashSet();
        Unseen = unseen.Count;

        // Outcomes are committed some milliseconds behind: a connection may have one whose recipients were refused, without a final dot,
        // and the mark of the next.
        if (unseen.Count > 2 * connections * cuts.Count)
            Wrong.Add($"{unseen.Count} were closed or held as ambiguous and never sent, at {cuts.Count} cuts of {connections} connections");
        foreach (var (life, at) in cuts)
        {
            foreach (var (id, marked) in Marks(life.Recording, at).Where(m => unseen.Contains(m.Id)).ToArray())
            {
                unseen.Remove(id);
                if (life.StillBefore(id, marked) is { } before)
                    Wrong.Add($"{id} was closed or held as ambiguous after a mark ahead of its turn: {before} was still under way");
            }
        }

        foreach (var id in unseen)
            Wrong.Add($"{id} was closed or held as ambiguous, and had no mark when the power went");
    }

    private IEnumerable<(string Id, long At)> Marks(DiskRecording recording, long until) =>
        recording
            .Steps()
            .OfType<WriteStep>()
            .Where(step => step.At <= until && step.Octets.Length == FlightSlot.Size)
            .Select(static step => (step.At, Record: FlightSlot.Read(step.Octets, step.Octets.AsSpan(8, FlightSlot.RunSize))))
            .Where(static step => step.Record is { Phase: FlightPhase.Marked })
            .Select(step => (Id: _ids.GetValueOrDefault(step.Record!.Ticket.Id, ""), step.At))
            .Reverse();

    private void Read(string database)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        Each(connection, "SELECT number, id, state FROM messages", AddMessage);
        Each(
            connection,
            "SELECT e.position, m.id, e.type, e.sequence FROM events e LEFT JOIN messages m ON m.number = e.message",
            row =>
            {
                var id = row.IsDBNull(1) ? null : row.GetString(1);
                _events[row.GetInt64(0)] = new(row.GetInt64(0), id, (EventType)row.GetInt64(2), row.GetInt32(3));
                if (id is not null && (EventType)row.GetInt64(2) == EventType.MessageAmbiguous)
                    _admitted.Add(id);
            }
        );
        Each(connection, "PRAGMA integrity_check", row => Expect(row.GetString(0) == "ok", "integrity_check: " + row.GetString(0)));
        Each(connection, "SELECT count(*) FROM queue WHERE state <> 2", row => Expect(row.GetInt64(0) == 0, "mail is left in the queue"));
        Each(
            connection,
            "SELECT count(*) FROM (SELECT 1 FROM events WHERE message IS NOT NULL GROUP BY message HAVING max(sequence) <> count(*) OR "
                + "min(sequence) <> 1)",
            row => Expect(row.GetInt64(0) == 0, "messages have a gap in their events")
        );
    }

    private void AddMessage(SqliteDataReader row)
    {
        _messages[row.GetString(1)] = (row.GetInt64(0), (MessageState)row.GetInt64(2));
        _ids[row.GetInt64(0)] = row.GetString(1);
    }

    private void Expect(bool holds, string otherwise)
    {
        if (!holds)
            Wrong.Add(otherwise);
    }

    private static void Each(SqliteConnection connection, string sql, Action<SqliteDataReader> row)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        while (reader.Read())
            row(reader);
    }
}
