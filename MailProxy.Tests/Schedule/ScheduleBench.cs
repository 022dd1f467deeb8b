using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>
/// The stage with its channels, a fake store and a fake clock. Disposing stops it and checks that it gave back every claim that is not on
/// its way.
/// </summary>
internal sealed class ScheduleBench : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Channel<QueuedMail> _input = Channel.CreateBounded<QueuedMail>(10_000);
    private readonly Channel<DueMail> _next;
    private readonly CancellationTokenSource _stop = new();
    private readonly AccountGate _gate;
    private readonly HashSet<long> _out = [];
    private Task _running = Task.CompletedTask;

    public ScheduleBench(
        ScheduleOptions? options = null,
        AccountLimits? global = null,
        int capacity = 1000,
        TenantShare? share = null,
        params SmtpAccount[] accounts
    )
    {
        _next = Channel.CreateBounded<DueMail>(capacity);
        Accounts.Swap(new(accounts.Length > 0 ? accounts : [Account(A), Account(B), Account(C)], null));
        _gate = new(Accounts, global ?? AccountLimits.None, Clock);
        Stage = new(
            _input.Reader,
            Wake,
            Store,
            Accounts,
            _gate,
            _next.Writer,
            Health,
            Metrics,
            options ?? new(),
            Clock,
            NullLogger.Instance,
            share
        );
    }

    public FakeStore Store { get; } = new();
    public StepClock Clock { get; } = new();
    public Wake Wake { get; } = new();
    public PipelineHealth Health { get; } = new();
    public CurrentAccounts Accounts { get; } = new();
    public PipelineMetrics Metrics { get; } = new(Prometheus.Metrics.NewCustomRegistry());
    public ScheduleStage Stage { get; }
    public Task Running => _running;

    /// <summary>The rates of accounts that are slowed.</summary>
    public AdaptiveRates Adapted => _gate.Adapted;

    /// <summary>Accounts whose limits have counts.</summary>
    public int Counts => _gate.Count;

    /// <summary>Starts it, with lanes for all that the store has.</summary>
    public ScheduleBench Start(
        bool suspended = false,
        long nextExpiry = long.MaxValue,
        IReadOnlyList<LimitUse>? uses = null,
        params (LaneKey, long)[] lanes
    )
    {
        _running = Task.Run(() => Stage.RunAsync(new([], lanes, uses ?? [], nextExpiry), suspended, _stop.Token));
        return this;
    }

    /// <summary>A ticket through the channel, its row in the store.</summary>
    public void Offer(QueuedMail ticket)
    {
        if (!_input.Writer.TryWrite(Store.Append(ticket)))
            throw new InvalidOperationException("The channel is full.");
    }

    /// <summary>The next mail that the stage chose.</summary>
    public async Task<DueMail> NextAsync()
    {
        var due = await _next.Reader.ReadAsync().AsTask().WaitAsync(Deadline);
        _out.Add(due.Ticket.Id);
        return due;
    }

    public async Task<List<long>> NextAsync(int count)
    {
        var ids = new List<long>();
        for (var i = 0; i < count; i++)
            ids.Add((await NextAsync()).Ticket.Id);
        return ids;
    }

    public bool TryNext(out DueMail due) => _next.Reader.TryRead(out due);

    /// <summary>As <see cref="TryNext"/>, of mail that will be sent.</summary>
    public bool TryTake(out DueMail due)
    {
        if (!TryNext(out due))
            return false;
        _out.Add(due.Ticket.Id);
        return true;
    }

    /// <summary>A mail was sent: marked, finished, and its claim ended.</summary>
    public void Sent(DueMail due)
    {
        due.Permit.Spend();
        due.Permit.Dispose();
        Store.Remove(due.Ticket);
        _out.Remove(due.Ticket.Id);
        Wake.Done(due.Ticket);
    }

    /// <summary>A mail is not on its way any more.</summary>
    public void CameBack(DueMail due) => _out.Remove(due.Ticket.Id);

    /// <summary>Sends mail after mail, as many as come.</summary>
    public async Task<List<long>> SendAsync(int count)
    {
        var ids = new List<long>();
        for (var i = 0; i < count; i++)
        {
            var due = await NextAsync();
            ids.Add(due.Ticket.Id);
            Sent(due);
        }

        return ids;
    }

    /// <summary>
    /// Returns when the stage rests and has seen all that was put before. Twice, because the first rest may be one that had begun already.
    /// </summary>
    public async Task RestedAsync()
    {
        for (var i = 0; i < 2; i++)
        {
            var set = Clock.TimersSet;
            Wake.Look();
            var rested = Clock.SetMoreThanAsync(set);
            await Task.WhenAny(rested, _running);
            if (_running.IsCompleted)
                await _running;
            await rested;
        }
    }

    public void CloseNext() => _next.Writer.TryComplete();

    public Task StopAsync()
    {
        _stop.Cancel();
        return _running.WaitAsync(Deadline);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        while (_next.Reader.TryRead(out var due))
            _out.Add(due.Ticket.Id);
        Assert.That(Store.Claimed, Is.EqualTo(_out.Count), "claims that the stage kept");
        _stop.Dispose();
    }
}
