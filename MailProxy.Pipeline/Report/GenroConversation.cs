using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>What an endpoint of style genro is told, and when it is called. Pure.</summary>
/// <remarks>
/// A call is acknowledged whole or not at all. The endpoint indexes the entries of a call by id, so an id stands in it once, and a later
/// event of the message goes with the next call.
/// </remarks>
internal sealed class GenroConversation
{
    private const int CallsInARow = 100;
    private const long AfterTheRow = 1_000,
        BetweenEmpty = 300_000,
        LongestQuiet = 7 * 86_400_000L;

    // A stored quiet time that has passed says that the endpoint has more to ask for.
    private const long Again = 0;

    private readonly int _maxBatch;
    private readonly bool _emptyReports;
    private long? _calledAt,
        _quietUntil;
    private int _inARow;
    private bool _again,
        _hurry;

    public GenroConversation(EndpointProgress stored, int maxBatch, bool emptyReports)
    {
        (_maxBatch, _emptyReports) = (maxBatch, emptyReports);
        (_calledAt, _quietUntil) = (stored.CalledAt, stored.QuietUntil);
        _again = stored.QuietUntil == Again;
        Live = new(stored.Acknowledged, maxBatch, static _ => false);
        Replay = stored.Replay is { } replay ? new(replay.Acknowledged, maxBatch, static _ => false) : null;
    }

    public SyncQueue Live { get; }

    /// <summary>The replay of earlier events; null when there is none.</summary>
    public SyncQueue? Replay { get; private set; }

    public void ReplayIsOver() => Replay = null;

    /// <summary>It is to be called now, with or without something to tell.</summary>
    public void Hurry() => _hurry = true;

    /// <summary>Copies what must be stored into the progress, except the replay's end.</summary>
    public EndpointProgress In(EndpointProgress progress) =>
        progress with
        {
            Acknowledged = Live.Acknowledged,
            CalledAt = _calledAt,
            QuietUntil = _quietUntil ?? (_again ? Again : null),
        };

    /// <summary>When the next call is due; now or earlier means at once.</summary>
    public long NextCall(long now)
    {
        if (_hurry || !Live.IsEmpty || Replay is { IsEmpty: false })
            return now;
        if (!_emptyReports)
            return long.MaxValue;

        // If the clock was set back, the wait must not become longer.
        var called = Math.Min(_calledAt ?? now, now);
        var quiet = _quietUntil > now ? _quietUntil : null;
        if (_again)
            return quiet ?? (_inARow <= CallsInARow ? now : called + AfterTheRow);
        return Math.Max(_calledAt is null ? now : called + BetweenEmpty, quiet ?? 0);
    }

    /// <summary>The events of the next call, oldest first, none about a message of another: new ones, then replayed ones.</summary>
    public GenroCall Cut()
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        var fresh = Some(Live.Waiting, ids, _maxBatch);
        return new(fresh, Replay is null ? [] : Some(Replay.Waiting, ids, _maxBatch - fresh.Count));
    }

    /// <summary>The endpoint answered, whatever it said of the entries.</summary>
    public void Answered(GenroCall call, SyncAnswer answer, long now)
    {
        _hurry = false;
        _calledAt = now;
        _again = answer.Queued > 0;
        _inARow = _again ? _inARow + 1 : 0;
        _quietUntil =
            answer.NextSyncAfter is { } after && after > now / 1000
                ? after > (now + LongestQuiet) / 1000
                    ? now + LongestQuiet
                    : after * 1000
                : null;
        Live.Remove(call.Fresh);
        Replay?.Remove(call.Replayed);
    }

    /// <summary>The call failed: its events wait as before.</summary>
    public void Failed(long now)
    {
        _hurry = false;
        _calledAt = now;
    }

    private static HashSet<MailEvent> Some(IEnumerable<MailEvent> waiting, HashSet<string> ids, int most)
    {
        var some = new HashSet<MailEvent>(ReferenceEqualityComparer.Instance);
        foreach (var one in waiting)
        {
            if (some.Count == most)
                break;
            if (ids.Add(one.MessageId ?? ""))
                some.Add(one);
        }

        return some;
    }
}

/// <summary>The events of one call, in order.</summary>
internal sealed record GenroCall(IReadOnlyCollection<MailEvent> Fresh, IReadOnlyCollection<MailEvent> Replayed);
