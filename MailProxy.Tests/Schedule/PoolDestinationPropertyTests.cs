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
/// Pools whose accounts have limits for a domain, the stage's own turns and the real gate, in random steps: no window is exceeded, mail
/// for other domains is never held up, no mail goes round and round, and at last all of it goes.
/// </summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class PoolDestinationPropertyTests
{
    private const int Steps = 40_000;

    private static readonly LaneKey P = Lanes.Of(new PoolKey(1)),
        Q = Lanes.Of(new PoolKey(2));

    private readonly Channel<QueuedMail> _input = Channel.CreateUnbounded<QueuedMail>();
    private readonly Channel<DueMail> _next = Channel.CreateUnbounded<DueMail>();
    private readonly Wake _wake = new();
    private readonly FakeStore _store = new();
    private readonly StepClock _clock = new();
    private readonly CurrentAccounts _accounts = new();
    private readonly Dictionary<long, (QueuedMail Ticket, string To)> _waiting = [];
    private readonly List<(DueMail Due, SendPermit Permit, string To)> _underWay = [];
    private readonly Dictionary<(AccountKey, string), ExactWindow> _windows = [];
    private readonly Dictionary<long, int> _rounds = []; // of this step
    private ScheduleModel _model = null!;
    private ScheduleStage _stage = null!;
    private DestinationGate _gate = null!;
    private long _lastId;
    private int _elsewhere;
    private int _putOff;

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public async Task AnySteps_HoldUpNoOtherAndLoseNothing(int seed)
    {
        var random = new Random(seed);
        Start();
        await using var wait = new SchedulerWait(_input.Reader, _next.Writer, _wake, _clock);
        _stage.Begin(new([], [], [], long.MaxValue), suspended: false);
        var (sent, held) = (0, 0);
        for (var step = 0; step < Steps; step++)
        {
            _rounds.Clear();
            var told = Step(random, ref sent);
            await RestAsync(wait, $"step {step}, {told}");
            foreach (var (ticket, to) in _waiting.Values.Where(one => one.To == "y.example" && one.Ticket.Due <= _clock.Now))
            {
                held++;
                if (_model.Holding(ticket, _clock.Now).Count == 0)
                    Assert.Fail($"step {step}, {told}: {ticket} to {to} waits, told {_stage.Status(ticket.Lane)}");
            }
        }

        Assert.That((_elsewhere, _putOff, held), Is.GreaterThan((Steps / 100, Steps / 100, 0)), "most of this would be idle");

        // All troubles end, and all of it goes.
        foreach (var account in _model.Accounts)
            Close(account.Key);
        _model.Accounts = [.. _model.Accounts.Select(static account => account with { Version = account.Version + 1, Paused = false })];
        _accounts.Swap(new(_model.Accounts, null, null, new(_model.Pools)));
        for (var minutes = 0; minutes < 600 && _waiting.Count + _underWay.Count > 0; )
        {
            _rounds.Clear();
            while (_underWay.Count > 0)
                Sent(random, ref sent);
            await RestAsync(wait, "at the end");
            if (_underWay.Count > 0)
                continue;
            _clock.Advance(TimeSpan.FromMinutes(1));
            _rounds.Clear();
            minutes++;
            await RestAsync(wait, "at the end");
        }

        Assert.That((_waiting.Count, (long)sent), Is.EqualTo((0, _lastId)));
    }

    private void Start()
    {
        SmtpAccount Make(LaneKey lane, int? perMinute, int? forX) =>
            Account(
                lane,
                new AccountLimits(PerMinute: perMinute, Paced: false) with
                {
                    Destinations = forX is { } most
                        ? new(new Dictionary<string, AccountLimits> { ["x.example"] = new(PerMinute: most, Paced: false) })
                        : null,
                }
            ) with
            {
                MaxConnections = 1,
            };
        _model = new()
        {
            Accounts = [Make(A, null, 4), Make(B, 20, 6), Make(C, 12, null)],
            Pools =
            [
                MakePool(1, PoolStrategy.Failover, "account-1", "account-2"),
                MakePool(2, PoolStrategy.Overflow, "account-1", "account-2", "account-3"),
            ],
        };
        _windows[(Lanes.AccountOf(A), "x.example")] = new(60, 4);
        _windows[(Lanes.AccountOf(B), "x.example")] = new(60, 6);
        _accounts.Swap(new(_model.Accounts, null, null, new(_model.Pools)));
        _gate = new(_accounts, _clock);
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

    private async Task RestAsync(SchedulerWait wait, string told)
    {
        for (var isMoving = true; isMoving; )
        {
            isMoving = false;
            while (await _stage.TurnAsync(wait)) { }
            while (_next.Reader.TryRead(out var due))
            {
                isMoving = true;
                Resolve(due, told);
            }
        }
    }

    // What the stage behind it does.
    private void Resolve(DueMail due, string told)
    {
        if (!_waiting.Remove(due.Ticket.Id, out var mail))
            Assert.Fail($"{told}: {due.Ticket} went twice");
        if (due.Permit.IsAcquired)
        {
            if (_model.Fault(due, _clock.Now) is { } fault)
                Assert.Fail($"{told}: {due.Ticket} went by {due.Account}, but {fault}");
            _model.Took(due, _clock.Now);
        }

        var answer = _gate.Ask(due, _accounts.Directory.Find(due.Account)!, Send.Sample.Content(recipients: [$"a@{mail.To}"]));
        if (answer is DestinationAnswer.May may)
        {
            _underWay.Add((due, may.Permit, mail.To));
            return;
        }

        if (due.Permit.IsAcquired)
            _model.Ended(due, _clock.Now, spent: false);
        due.Permit.Dispose();
        Assert.That(mail.To, Is.EqualTo("x.example"), told);
        if (answer is DestinationAnswer.Elsewhere other)
        {
            _elsewhere++;
            _rounds[due.Ticket.Id] = _rounds.GetValueOrDefault(due.Ticket.Id) + 1;
            Assert.That(_rounds[due.Ticket.Id], Is.LessThanOrEqualTo(3), $"{told}: it goes round");
            _waiting[due.Ticket.Id] = mail;
            _wake.Return(due.Ticket with { Passed = other.Passed });
            return;
        }

        _putOff++;
        var at = ((DestinationAnswer.Later)answer).At;
        Assert.That(at, Is.GreaterThan(_clock.Now).And.LessThan(_clock.Now + 3_600_000), told);
        Again(due.Ticket, at, mail.To);
    }

    private void Again(QueuedMail was, long due, string to)
    {
        var ticket = was with { Attempt = was.Attempt + 1, Due = due, Passed = null };
        _waiting[ticket.Id] = (ticket, to);
        _store.Add(ticket);
        _wake.Done(was);
        _wake.Due(ticket.Lane, due);
    }

    private string Step(Random random, ref int sent)
    {
        switch (random.Next(100))
        {
            case < 35 when _waiting.Count < 60:
                var ticket = Ticket(++_lastId, random.Next(2) == 0 ? P : Q, (Priority)random.Next(4));
                var to = random.Next(2) == 0 ? "x.example" : "y.example";
                _waiting[ticket.Id] = (ticket, to);
                _input.Writer.TryWrite(_store.Append(ticket));
                return $"offered {ticket} to {to}";
            case < 65 when _underWay.Count > 0:
                return Sent(random, ref sent);
            case < 68 when _underWay.Count > 0:
                return Trouble(random);
            case < 70:
                var at = random.Next(_model.Accounts.Length);
                var was = _model.Accounts[at];
                var now = was with { Version = was.Version + 1, Paused = random.Next(3) == 0 };
                _model.Accounts = [.. _model.Accounts.Select(account => account == was ? now : account)];
                Close(was.Key);
                _accounts.Swap(_accounts.Directory.With(now));
                return $"changed {now.Id}, paused {now.Paused}";
            case < 72:
                Close(_model.Accounts[random.Next(_model.Accounts.Length)].Key);
                return "closed a circuit";
            default:
                var by = random.Next(10) == 0 ? random.Next(20_000) : random.Next(500);
                _clock.Advance(TimeSpan.FromMilliseconds(by));
                return $"{by} ms";
        }
    }

    private (DueMail Due, SendPermit Permit, string To) Take(Random random)
    {
        var at = random.Next(_underWay.Count);
        var one = _underWay[at];
        _underWay.RemoveAt(at);
        return one;
    }

    private string Sent(Random random, ref int sent)
    {
        var (due, permit, to) = Take(random);
        permit.Spend();
        permit.Dispose();
        _model.Ended(due, _clock.Now, spent: true);
        if (_windows.TryGetValue((due.Account, to), out var window) && !window.Add(_clock.Now, 1))
            Assert.Fail($"{due.Account} sent more than {window} to {to}");
        _store.Remove(due.Ticket);
        if (due.IsProbe)
            Close(due.Account);
        _wake.Done(due.Ticket);
        sent++;
        return $"sent {due.Ticket.Id}";
    }

    private string Trouble(Random random)
    {
        var (due, permit, to) = Take(random);
        var until = _clock.Now + random.Next(1, random.Next(4) == 0 ? 20_000 : 500);
        permit.Dispose();
        _model.Ended(due, _clock.Now, spent: false);
        _model.Circuits[due.Account] = until;
        _wake.Park(new(due.Account, TroubleKind.Connect, null, null, "refused"), until);
        Again(due.Ticket, 0, to);
        return $"trouble of {due.Account} until {until}";
    }

    private void Close(AccountKey account)
    {
        _model.Circuits.Remove(account);
        _wake.Unpark(account);
    }
}
