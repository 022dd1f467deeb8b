using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Storage;
using MailProxy.Tests.Support;

namespace MailProxy.Tests.Schedule;

/// <summary>
/// The real queue in front of the real store, as the scheduler's loop and the stages behind it use them, beside a model that knows all
/// mail: who waits, who was served how often, and what must not go before what. Throws when they disagree.
/// </summary>
internal sealed class FairnessPlay(int window, int page) : IDisposable
{
    /// <summary>Picks of one turn of the scheduler.</summary>
    private const int Picks = 32;

    private readonly SqliteBench _bench = new();
    private readonly Dictionary<long, Mail> _mails = [];
    private readonly Dictionary<(LaneKey, Priority, FlowKey), double> _served = []; // turns
    private readonly Dictionary<FlowKey, int> _weigh = [];
    private FlowWeights _weights = FlowWeights.Equal;
    private ActiveQueue? _queue;
    private int _named;

    private sealed record Mail(string Id, FlowKey Flow, Priority Priority, long Due)
    {
        public LaneKey Lane { get; set; }
        public int Attempt { get; set; }
        public bool IsMoved { get; set; }
    }

    /// <summary>The most by which two batches that had mail all the while were ever apart, in turns: mails, by what they weigh.</summary>
    public double WidestGap { get; private set; }

    /// <summary>What each batch had had then.</summary>
    public string Story { get; private set; } = "";

    public int Sent { get; private set; }

    public int Waiting => _mails.Count;

    public int WaitingOf(string? batch) => _mails.Values.Count(mail => mail.Flow == FlowKey.Of(batch));

    private ActiveQueue Queue => _queue ??= Made();

    private long Now => _bench.Now;

    public async Task PostAsync(LaneKey lane, string? batch, int count, Priority priority, int seconds) =>
        await StoreAsync(lane, Enumerable.Repeat(batch, count), priority, seconds);

    public async Task PostSinglesAsync(LaneKey lane, int count, Priority priority, int seconds) =>
        await StoreAsync(lane, Enumerable.Range(0, count).Select(_ => (string?)$"single-{_named++}"), priority, seconds);

    public async Task CancelAsync(int which, int count)
    {
        foreach (var (number, mail) in Some(which, count))
        {
            await _bench.Store.ChangeAsync(new("default", mail.Id), new MessageChange.Cancel(), "ann", Now);
            _mails.Remove(number);
        }
    }

    public async Task MoveAsync(int which, int count)
    {
        foreach (var (_, mail) in Some(which, count))
        {
            var to = mail.Lane == Tickets.A ? Tickets.B : Tickets.A;
            await _bench.Store.ChangeAsync(new("default", mail.Id), new MessageChange.Reroute(Lanes.AccountOf(to), null, null), "ann", Now);
            (mail.Lane, mail.IsMoved, mail.Attempt) = (to, true, mail.Attempt + 1);
            Queue.DiskHas(Lane(to), mail.Due, Now);
        }
    }

    /// <summary>A batch weighs so from now on.</summary>
    public void Weigh(string batch, int weight)
    {
        _weigh[FlowKey.Of(batch)] = weight;
        _weights = new(_weigh);
        foreach (var lane in Queue.Lanes)
        {
            lane.Weigh(_weights);
            Queue.Waited(lane, Now);
        }

        _served.Clear(); // what was is not by these weights
    }

    public void Advance(int milliseconds) => _bench.Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));

    /// <summary>The limit of a lane is used up for so long, or its server is in trouble.</summary>
    public void Park(LaneKey lane, int milliseconds)
    {
        Lane(lane).AtLimit = new(Now + milliseconds, "");
        Queue.Waited(Lane(lane), Now);
    }

    public async Task RestartAsync()
    {
        _bench.Crash();
        _queue = null;
        _served.Clear(); // rounds begin anew
        foreach (var (lane, due) in (await _bench.Store.RecoverAsync(Now)).Lanes)
            Queue.DiskHas(Lane(lane), due, Now);
    }

    /// <summary>Turns of the scheduler, as many as it takes for so many mails.</summary>
    public async Task SendAsync(int count)
    {
        while (count > 0)
        {
            await RefillAsync();
            var under = new List<(MailLane Lane, QueuedMail Ticket)>();
            var isShort = false;
            while (!isShort && under.Count < Math.Min(count, Picks) && Queue.Next() is { } lane)
            {
                under.Add((lane, Queue.Take(lane)));
                isShort = lane.TakeShort();
            }

            if (under.Count == 0)
                return;
            count -= under.Count;
            var valid = under.Where(mail => Serves(mail.Ticket)).Select(static mail => Settled(mail.Ticket)).ToList();
            if ((await _bench.Store.CommitAsync([.. valid.Select(s => s with { At = Now })])).Contains(false))
                throw new InvalidOperationException("a ticket that is valid was stale in the store");
            Sent += valid.Count;
            foreach (var (lane, ticket) in under)
            {
                Queue.Done(lane, ticket);
                _bench.Store.Release(ticket);
            }
        }
    }

    public void Dispose() => _bench.Dispose();

    private ActiveQueue Made() => new(window, 1000, page, ticket => _bench.Store.Release(ticket));

    private MailLane Lane(LaneKey key)
    {
        var lane = Queue.Lane(key, out var made);
        if (made)
        {
            lane.InFlightCap = 1000;
            lane.Weigh(_weights);
        }

        return lane;
    }

    private async Task StoreAsync(LaneKey lane, IEnumerable<string?> batches, Priority priority, int seconds)
    {
        long? due = seconds > 0 ? Now + (seconds * 1000) : null;
        AcceptedMail[] mails = [.. batches.Select(batch => Made(lane, batch, priority, due))];
        var submission = new Submission("default", [], null);
        var before = _bench.Count("messages");
        var appended = await _bench.Store.AppendNowAsync([
            new(submission, [.. mails.Select(static m => new AcceptedLine(m, m.Key.Id, null))]),
        ]);
        for (var i = 0; i < mails.Length; i++)
            _mails[before + i + 1] = new(mails[i].Key.Id, FlowKey.Of(mails[i].Batch), priority, due ?? 0) { Lane = lane };
        foreach (var ticket in appended.Tickets)
            Queue.Offer(Lane(ticket.Lane), ticket);
        foreach (var (key, at) in appended.Later)
            Queue.DiskHas(Lane(key), at, Now);
    }

    private AcceptedMail Made(LaneKey lane, string? batch, Priority priority, long? due)
    {
        var id = $"m{_named++}";
        var json = Encoding.UTF8.GetBytes("{}");
        return new()
        {
            Key = new("default", id),
            ContentHash = StoreBench.Hash(json),
            Account = Lanes.AccountOf(lane),
            Priority = priority,
            EnvelopeSender = "sender@example.org",
            Recipients = ["a@example.com"],
            CreatedAt = Now,
            SendAt = due,
            ExpiresAt = Now + 432_000_000,
            MessageIdHeader = $"<{id}@example.org>",
            Batch = batch,
            OnAmbiguous = AmbiguousPolicy.Retry,
            Body = new(json, null, json.Length),
        };
    }

    private async Task RefillAsync()
    {
        Queue.Advance(Now);
        for (var questions = 0; Queue.NextToRefill(Now, out var request) is { } lane; questions++)
        {
            if (questions == 500)
                throw new InvalidOperationException("the disk is asked again and again");
            Queue.Fill(lane, await _bench.Store.ClaimAsync(lane.Key, request), request);
        }
    }

    private List<KeyValuePair<long, Mail>> Some(int which, int count) =>
        [.. _mails.OrderBy(static mail => mail.Key).Skip(_mails.Count == 0 ? 0 : which % _mails.Count).Take(count)];

    // False: the mail was cancelled or moved meanwhile, and the attempt does not begin.
    private bool Serves(QueuedMail ticket)
    {
        if (!_mails.TryGetValue(ticket.Id, out var mail) || mail.Lane != ticket.Lane || mail.Attempt != ticket.Attempt)
            return false;
        var lane = _mails.Where(other => other.Value.Lane == mail.Lane && other.Value.Due <= Now).ToList();
        if (mail.Due > Now || mail.Flow != ticket.Flow)
            throw new InvalidOperationException($"{mail.Id} goes too early, or as another batch's");
        if (lane.Find(other => other.Value.Priority < mail.Priority) is { Value: { } urgent })
            throw new InvalidOperationException($"{urgent.Id} is more urgent than {mail.Id}");
        var own = lane.Where(other => other.Value.Priority == mail.Priority).ToList();
        var earlier = own.Find(other =>
            other.Value.Flow == mail.Flow
            && !other.Value.IsMoved
            && (other.Value.Due > 0) == (mail.Due > 0)
            && (other.Value.Due, other.Key).CompareTo((mail.Due, ticket.Id)) < 0
        );
        if (earlier.Value is not null && !mail.IsMoved)
            throw new InvalidOperationException($"{earlier.Value.Id} comes before {mail.Id} in its batch");

        Count(mail, own.Select(static other => other.Value.Flow).ToHashSet());
        _mails.Remove(ticket.Id);
        return true;
    }

    // Who comes anew begins with what the last of the others has had.
    private void Count(Mail mail, HashSet<FlowKey> flows)
    {
        foreach (var gone in _served.Keys.Where(key => (key.Item1, key.Item2) == (mail.Lane, mail.Priority) && !flows.Contains(key.Item3)))
            _served.Remove(gone);
        var known = flows.Where(flow => _served.ContainsKey((mail.Lane, mail.Priority, flow)));
        var least = known.Select(flow => _served[(mail.Lane, mail.Priority, flow)]).DefaultIfEmpty().Min();
        foreach (var flow in flows)
            _served.TryAdd((mail.Lane, mail.Priority, flow), least);
        _served[(mail.Lane, mail.Priority, mail.Flow)] += 1.0 / _weights.Of(mail.Flow);
        var all = flows.Select(flow => _served[(mail.Lane, mail.Priority, flow)]).ToList();
        if (all.Max() - all.Min() > WidestGap)
        {
            WidestGap = all.Max() - all.Min();
            Story = string.Join(", ", flows.Select(flow => $"{flow.Number}: {_served[(mail.Lane, mail.Priority, flow)]}"));
        }
    }

    private static Settlement Settled(QueuedMail ticket) =>
        new(
            ticket,
            MessageState.Sent,
            new QueueStep.Remove(),
            1,
            [new(0, RecipientState.Sent, true, 250, "2.0.0", "ok")],
            [new(EventType.MessageSent, MessageState.Sent, 1, null)],
            false,
            0
        );
}
