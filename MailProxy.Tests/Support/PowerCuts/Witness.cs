using System.Globalization;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Tests.Support.PowerCuts;

/// <summary>What the outside saw of one life of a daemon, each with its instant of the recording's clock.</summary>
internal sealed class Witness(DiskRecording recording)
{
    private readonly Lock _gate = new();
    private readonly List<(long At, string Id, string Policy)> _acknowledged = [];
    private readonly List<(long At, string Id, int Connection)> _envelopes = [],
        _dots = [];
    private readonly List<(long At, ToldEvent Event)> _told = [];

    public DiskRecording Recording => recording;

    /// <summary>A client has its 202.</summary>
    public void Acknowledged(string id, string policy)
    {
        lock (_gate)
            _acknowledged.Add((recording.Tick(), id, policy));
    }

    /// <summary>The server has read a RCPT for this message.</summary>
    public void Envelope(string id, int connection)
    {
        lock (_gate)
            _envelopes.Add((recording.Tick(), id, connection));
    }

    /// <summary>The server has read the final dot.</summary>
    public void Dot(string id, int connection)
    {
        lock (_gate)
            _dots.Add((recording.Tick(), id, connection));
    }

    /// <summary>A reader of the event log has these events.</summary>
    public void Told(IEnumerable<MailEvent> events)
    {
        lock (_gate)
        {
            var at = recording.Tick();
            _told.AddRange(events.Select(e => (at, ToldEvent.Of(e))));
        }
    }

    /// <summary>Instants at which something was seen: a cut there is worth more than one anywhere.</summary>
    public long[] Instants()
    {
        lock (_gate)
            return [.. _acknowledged.Select(a => a.At), .. _dots.Select(d => d.At), .. _envelopes.Select(e => e.At)];
    }

    /// <summary>Adds to a history what was seen up to an instant.</summary>
    public void AddTo(History history, long until)
    {
        lock (_gate)
        {
            foreach (var (_, id, policy) in _acknowledged.Where(a => a.At <= until))
                history.Acknowledged[id] = policy;
            foreach (var (_, id, _) in _dots.Where(d => d.At <= until))
                history.Delivered[id] = history.Delivered.GetValueOrDefault(id) + 1;
            foreach (var (_, told) in _told.Where(t => t.At <= until))
                history.Told.Add(told);
        }
    }

    /// <summary>
    /// The mail that came last on the connection on which this message's transaction began next after an instant, when it had not ended
    /// by that instant: then what was written at the instant was written ahead of the message's turn. Null: it was not. An envelope that
    /// is the last thing heard on its connection at that instant has gone out with the end of the mail before: it has begun already, and
    /// the next one would be of a further attempt.
    /// </summary>
    public string? StillBefore(string id, long at)
    {
        lock (_gate)
        {
            var ahead = _envelopes.FindLast(e => e.At <= at && e.Id == id);
            bool IsLater((long At, string Id, int Connection) heard) =>
                heard.Connection == ahead.Connection && heard.At > ahead.At && heard.At <= at;
            if (ahead.Id is not null && !_envelopes.Exists(IsLater) && !_dots.Exists(IsLater))
                return null;
            var next = _envelopes.Find(e => e.At > at && e.Id == id);
            if (next.Id is null)
                return null;
            var last = _dots.FindLast(d => d.At < next.At && d.Connection == next.Connection);
            return last.Id is not null && last.At > at ? last.Id : null;
        }
    }
}

/// <summary>An event as a reader was told it.</summary>
internal readonly record struct ToldEvent(long Position, string? Message, EventType Type, int Sequence)
{
    public static ToldEvent Of(MailEvent told) => new(told.Position, told.MessageId, told.Type, told.Sequence);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Position}: {Type} {Message}");
}

/// <summary>What the outside saw over all lives of a store, each up to its cut.</summary>
internal sealed class History
{
    /// <summary>Messages that a client believes taken, with their policy.</summary>
    public Dictionary<string, string> Acknowledged { get; private init; } = [];

    /// <summary>How often the server read the final dot of each.</summary>
    public Dictionary<string, int> Delivered { get; private init; } = [];

    public List<ToldEvent> Told { get; private init; } = [];

    public History Copy() =>
        new()
        {
            Acknowledged = new(Acknowledged),
            Delivered = new(Delivered),
            Told = [.. Told],
        };
}
