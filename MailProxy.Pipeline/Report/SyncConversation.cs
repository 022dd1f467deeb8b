using System.Collections.Immutable;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>What an endpoint of style sync is told, and when it is called. Pure.</summary>
/// <remarks>
/// An event that the endpoint named in "error" moves from the queue to the resends, each with its own time, and the position passes it.
/// Later
/// events of the same message join it there, so that a message's events never arrive out of order.
/// </remarks>
internal sealed class SyncConversation
{
    /// <summary>With this many resends no new event is sent until the endpoint accepts some of them.</summary>
    public const int MostResends = 10_000;

    private const int CallsInARow = 100;
    private const long AfterTheRow = 1_000,
        BetweenEmpty = 300_000,
        LongestQuiet = 7 * 86_400_000L;

    private static readonly long[] Steps = [5_000, 30_000, 300_000, 900_000];

    private readonly int _maxBatch;
    private readonly long _giveUpAfter;
    private readonly double _jitter;
    private readonly Func<double> _chance;
    private readonly Dictionary<long, string> _messages = [];
    private ImmutableSortedDictionary<long, Resend> _resends;
    private long? _calledAt,
        _quietUntil;
    private int _inARow;
    private bool _again,
        _hurry;

    /// <param name="resending">The message ids of the stored resends, by position.</param>
    public SyncConversation(
        EndpointProgress stored,
        int maxBatch,
        IEnumerable<KeyValuePair<long, string>> resending,
        TimeSpan giveUpAfter,
        double jitter,
        Func<double> chance
    )
    {
        (_maxBatch, _giveUpAfter, _jitter, _chance) = (maxBatch, (long)giveUpAfter.TotalMilliseconds, jitter, chance);
        (_calledAt, _quietUntil) = (stored.CalledAt, stored.QuietUntil);
        foreach (var (position, message) in resending)
            _messages.Add(position, message);

        // An event that is no longer in the log need not be sent again.
        _resends = stored.Resends.RemoveRange(stored.Resends.Keys.Where(position => !_messages.ContainsKey(position)));
        Live = new(stored.Acknowledged, maxBatch, position => _resends.ContainsKey(position));
        Replay = stored.Replay is { } replay ? new(replay.Acknowledged, maxBatch, static _ => false) : null;
    }

    public SyncQueue Live { get; }

    /// <summary>The replay of earlier events; null when there is none.</summary>
    public SyncQueue? Replay { get; private set; }

    public int Resends => _resends.Count;

    /// <summary>Since when the oldest resend has been waiting.</summary>
    public long? OldestResend => _resends.IsEmpty ? null : _resends.Values.First().Since;

    public void ReplayIsOver() => Replay = null;

    /// <summary>An operator wants the endpoint called now.</summary>
    public void Hurry() => _hurry = true;

    /// <summary>Copies what must be stored into the progress, except the replay's end.</summary>
    public EndpointProgress In(EndpointProgress progress) =>
        progress with
        {
            Acknowledged = Live.Acknowledged,
            CalledAt = _again ? null : _calledAt, // the endpoint has more to ask for, so a restart calls it at once
            QuietUntil = _again ? null : _quietUntil,
            Resends = _resends,
        };

    /// <summary>Moves new events of messages with resends to those resends, so that they are not sent before them.</summary>
    public void Join()
    {
        if (_resends.IsEmpty || Live.IsEmpty)
            return;
        var last = new Dictionary<string, Resend>(StringComparer.Ordinal);
        foreach (var (position, message) in _messages.OrderBy(known => known.Key))
            last[message] = _resends[position];
        var joined = new HashSet<MailEvent>(ReferenceEqualityComparer.Instance);
        foreach (var one in Live.Waiting)
        {
            if (_resends.Count >= MostResends)
                break;
            if (one.MessageId is not { } message || !last.TryGetValue(message, out var resend))
                continue;
            _resends = _resends.SetItem(one.Position, resend);
            _messages[one.Position] = message;
            joined.Add(one);
        }

        Live.Remove(joined);
    }

    /// <summary>When the next call is due; now or earlier means at once.</summary>
    public long NextCall(long now)
    {
        if (_hurry)
            return now;
        if (_again)
            return _inARow <= CallsInARow ? now : Called(now) + AfterTheRow;
        if ((!Live.IsEmpty && _resends.Count < MostResends) || Replay is { IsEmpty: false })
            return now;
        var next = _quietUntil ?? (_calledAt is null ? now : Called(now) + BetweenEmpty);
        foreach (var resend in _resends.Values)
            next = Math.Min(next, resend.Due);
        return next;
    }

    /// <summary>
    /// The events of the next call, oldest first: resends that are due, then new events, then replayed ones. Call <see cref="Join"/>
    /// before.
    /// </summary>
    public SyncCall Cut(long now)
    {
        var again = _resends.Where(resend => resend.Value.Due <= now).Select(resend => resend.Key).Take(_maxBatch).ToArray();
        MailEvent[] fresh = _resends.Count < MostResends ? [.. Live.Waiting.Take(_maxBatch - again.Length)] : [];
        return new(again, fresh, Replay is null ? [] : [.. Replay.Waiting.Take(_maxBatch - again.Length - fresh.Length)]);
    }

    /// <summary>The endpoint answered. Returns the positions that are given up, because the endpoint has named them in "error" for too
    /// long.</summary>
    public IReadOnlyList<long> Answered(SyncCall call, SyncAnswer answer, long now)
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
        var spread = 1 + (_jitter * ((2 * _chance()) - 1));
        var gaveUp = new List<long>();
        foreach (var position in call.Again)
            Settle(position, _messages[position], answer, now, spread, gaveUp);
        foreach (var one in call.Fresh.Concat(call.Replayed))
            Settle(one.Position, one.MessageId!, answer, now, spread, gaveUp);
        Live.Take(call.Fresh.Count);
        Replay?.Take(call.Replayed.Count);
        return gaveUp;
    }

    /// <summary>The call failed: its events wait as before.</summary>
    public void Failed(long now)
    {
        _hurry = false;
        _calledAt = now;
    }

    private void Settle(long position, string message, SyncAnswer answer, long now, double spread, List<long> gaveUp)
    {
        var known = _resends.TryGetValue(position, out var resend);
        if (answer.Errors.Contains(message))
        {
            var (since, failures) = known ? (resend.Since, resend.Failures) : (now, 0);
            if (now - since < _giveUpAfter)
            {
                _resends = _resends.SetItem(
                    position,
                    new(since, failures + 1, now + (long)(Steps[Math.Min(failures, Steps.Length - 1)] * spread))
                );
                _messages[position] = message;
                return;
            }

            gaveUp.Add(position);
        }

        _resends = _resends.Remove(position);
        _messages.Remove(position);
    }

    // If the clock was set back, the wait must not become longer.
    private long Called(long now) => Math.Min(_calledAt ?? now, now);
}

/// <summary>The events of one call.</summary>
/// <param name="Again">Positions of events that were named in "error" before.</param>
/// <param name="Fresh">The oldest of the new events.</param>
/// <param name="Replayed">The oldest of the replayed events.</param>
internal sealed record SyncCall(IReadOnlyList<long> Again, IReadOnlyList<MailEvent> Fresh, IReadOnlyList<MailEvent> Replayed);
