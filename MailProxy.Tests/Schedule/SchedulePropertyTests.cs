using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>
/// A million random steps: no mail goes that may not, none waits that could go, and the reason that is given is one that holds it. The
/// stage's own turns are driven, without its loop, so that each step ends at rest.
/// </summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.Self)]
internal sealed class SchedulePropertyTests
{
    private const int Steps = 250_000;

    private static readonly LaneKey P = Lanes.Of(new PoolKey(1)),
        Q = Lanes.Of(new PoolKey(2));

    private readonly Channel<QueuedMail> _input = Channel.CreateUnbounded<QueuedMail>();
    private readonly Channel<DueMail> _next = Channel.CreateUnbounded<DueMail>();
    private readonly Wake _wake = new();
    private readonly FakeStore _store = new();
    private readonly StepClock _clock = new();
    private readonly CurrentAccounts _accounts = new();
    private readonly Dictionary<long, QueuedMail> _waiting = [];
    private readonly List<DueMail> _underWay = [];
    private ScheduleModel _model = null!;
    private ScheduleStage _stage = null!;
    private long _lastId;

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    [TestCase(4)]
    public async Task Turns_AnySteps_LetGoWhatMayAndHoldWhatMayNot(int seed)
    {
        var random = new Random(seed);
        Start();
        await using var wait = new SchedulerWait(_input.Reader, _next.Writer, _wake, _clock);
        _stage.Begin(new([], [], [], long.MaxValue), suspended: false);
        var (sent, held, probes) = (0, 0, 0);
        for (var step = 0; step < Steps; step++)
        {
            var told = Step(random);
            while (await _stage.TurnAsync(wait)) { }
            while (_next.Reader.TryRead(out var due))
            {
                var fault = _model.Fault(due, _clock.Now);
                if (fault is not null)
                    Assert.Fail($"step {step}, {told}: {due.Ticket} went by {due.Account}, but {fault}");
                if (!_waiting.Remove(due.Ticket.Id))
                    Assert.Fail($"step {step}, {told}: {due.Ticket} went twice");
                _model.Took(due, _clock.Now);
                probes += due.IsProbe ? 1 : 0;
                _underWay.Add(due);
                sent++;
            }

            foreach (var ticket in _waiting.Values)
            {
                if (ticket.Due > _clock.Now)
                    continue;
                held++;
                var holding = _model.Holding(ticket, _clock.Now);
                if (holding.Count == 0)
                    Assert.Fail($"step {step}, {told}: {ticket} waits, though nothing holds it; told {_stage.Status(ticket.Lane)}");
            }

            foreach (var lane in (LaneKey[])[A, B, C])
                CheckReason(lane, step, told);
        }

        Assert.That((sent, held), Is.GreaterThan((Steps / 20, Steps / 20)), "most of this would be idle");
        Assert.That(probes, Is.GreaterThan(Steps / 400));
    }

    // Of a lane with mail that is due: the reason is one that the model knows.
    private void CheckReason(LaneKey lane, int step, string told)
    {
        var first = _waiting.Values.FirstOrDefault(ticket => ticket.Lane == lane && ticket.Due <= _clock.Now);
        if (first.Id == 0)
            return;
        var status = _stage.Status(lane);
        if (!_model.Holding(first, _clock.Now).Contains(status.State))
            Assert.Fail($"step {step}, {told}: {first} waits for {string.Join(", ", _model.Holding(first, _clock.Now))}, told {status}");
    }

    private void Start()
    {
        SmtpAccount Make(LaneKey lane, int? perMinute) =>
            Account(lane, perMinute is null ? null : new AccountLimits(PerMinute: perMinute, Paced: false)) with
            {
                MaxConnections = 1,
            };
        _model = new()
        {
            Accounts = [Make(A, null), Make(B, 20), Make(C, 5)],
            Pools =
            [
                MakePool(1, PoolStrategy.Failover, "account-1", "account-2"),
                MakePool(2, PoolStrategy.Overflow, "account-2", "account-3"),
            ],
        };
        _accounts.Swap(new(_model.Accounts, null, null, new(_model.Pools)));
        _stage = new(
            _input.Reader,
            _wake,
            _store,
            _accounts,
            new(_accounts, AccountLimits.None, _clock),
            _next.Writer,
            new(),
            new PipelineMetrics(Prometheus.Metrics.NewCustomRegistry()),
            new(),
            _clock,
            NullLogger.Instance
        );
    }

    private static Pool MakePool(int number, PoolStrategy strategy, params string[] accounts) =>
        new()
        {
            Key = new(number),
            Tenant = "default",
            Id = $"pool-{number}",
            Version = 1,
            Strategy = strategy,
            Accounts = [.. accounts.Select(static id => new PoolMember(id))],
        };

    private string Step(Random random)
    {
        switch (random.Next(100))
        {
            case < 35 when _waiting.Count < 30:
                return Offer(random);
            case < 60 when _underWay.Count > 0:
                return Sent(random);
            case < 61 when _underWay.Count > 0:
                return Gone(random);
            case < 64 when _underWay.Count > 0:
                return Trouble(random);
            case < 67 when _underWay.Count > 0:
                return Deferred(random);
            case < 70 when _underWay.Count > 0:
                return Returned(random);
            case < 73:
                return Change(random);
            case < 74:
                return Unpark(random);
            case < 76:
                return Suspend(random);
            default:
                var by = random.Next(4) == 0 ? random.Next(10_000) : random.Next(200);
                _clock.Advance(TimeSpan.FromMilliseconds(by));
                return $"{by} ms";
        }
    }

    private string Offer(Random random)
    {
        LaneKey[] lanes = [A, B, C, P, Q];
        var lane = lanes[random.Next(lanes.Length)];
        var due = random.Next(5) == 0 ? _clock.Now + random.Next(3_000) : 0;
        var ticket = Ticket(++_lastId, lane, (Priority)random.Next(4), due);
        _waiting[ticket.Id] = ticket;
        _input.Writer.TryWrite(_store.Append(ticket));
        return $"offered {ticket}";
    }

    private DueMail Take(Random random)
    {
        var at = random.Next(_underWay.Count);
        var due = _underWay[at];
        _underWay.RemoveAt(at);
        return due;
    }

    private string Sent(Random random)
    {
        var due = Take(random);
        due.Permit.Spend();
        due.Permit.Dispose();
        _model.Ended(due, _clock.Now, spent: true);
        _store.Remove(due.Ticket);
        if (due.IsProbe)
            Close(due.Account);
        _wake.Done(due.Ticket);
        return $"sent {due.Ticket.Id}";
    }

    // Cancelled, expired or stale: it says nothing of the account.
    private string Gone(Random random)
    {
        var due = Take(random);
        due.Permit.Dispose();
        _model.Ended(due, _clock.Now, spent: false);
        _store.Remove(due.Ticket);
        _wake.Done(due.Ticket);
        return $"gone {due.Ticket.Id}";
    }

    private void Close(AccountKey account)
    {
        _model.Circuits.Remove(account);
        _wake.Unpark(account);
    }

    private string Trouble(Random random)
    {
        var due = Take(random);
        var until = _clock.Now + random.Next(1, random.Next(4) == 0 ? 20_000 : 500);
        due.Permit.Dispose();
        _model.Ended(due, _clock.Now, spent: false);
        _model.Circuits[due.Account] = until;
        _wake.Park(new(due.Account, TroubleKind.Connect, null, null, "refused"), until);
        Again(due.Ticket with { Attempt = due.Ticket.Attempt + 1 });
        return $"trouble of {due.Account} until {until}";
    }

    private string Deferred(Random random)
    {
        var due = Take(random);
        due.Permit.Spend();
        due.Permit.Dispose();
        _model.Ended(due, _clock.Now, spent: true);
        Again(due.Ticket with { Attempt = due.Ticket.Attempt + 1, Due = _clock.Now + random.Next(1, 5_000) });
        return $"deferred {due.Ticket.Id}";
    }

    private void Again(QueuedMail ticket)
    {
        _waiting[ticket.Id] = ticket;
        _store.Add(ticket);
        _wake.Done(ticket with { Attempt = ticket.Attempt - 1 });
        _wake.Due(ticket.Lane, ticket.Due);
    }

    private string Returned(Random random)
    {
        var due = Take(random);
        due.Permit.Dispose();
        _model.Ended(due, _clock.Now, spent: false);
        _wake.SetAside(due.Ticket);
        _wake.Return(due.Ticket);
        _waiting[due.Ticket.Id] = due.Ticket;
        return $"returned {due.Ticket.Id}";
    }

    // A changed account is looked at anew: Report closes its circuit.
    private string Change(Random random)
    {
        var at = random.Next(_model.Accounts.Length);
        var was = _model.Accounts[at];
        var now = was with { Version = was.Version + 1, Paused = random.Next(3) == 0 };
        _model.Accounts = [.. _model.Accounts.Select(account => account == was ? now : account)];
        Close(was.Key);
        _accounts.Swap(_accounts.Directory.With(now));
        return $"changed {now.Id}, paused {now.Paused}";
    }

    private string Unpark(Random random)
    {
        var key = _model.Accounts[random.Next(_model.Accounts.Length)].Key;
        Close(key);
        return $"unparked {key}";
    }

    private string Suspend(Random random)
    {
        _model.Suspended = random.Next(3) == 0;
        if (_model.Suspended)
            _stage.Suspend();
        else
            _stage.Activate();
        return $"suspended {_model.Suspended}";
    }
}
