using System.Collections.Concurrent;
using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Send;
using MailProxy.Pipeline.Send.Tokens;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailProxy.Tests.Send;

/// <summary>
/// A send stage between two channels and a scripted server, with marks that a test answers and a report stage that keeps what comes.
/// </summary>
internal sealed class SendRig : IAsyncDisposable
{
    private readonly Channel<ResolvedMail> _input = Channel.CreateBounded<ResolvedMail>(1024);
    private readonly Channel<Outcome> _report = Channel.CreateBounded<Outcome>(1024);
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly ConcurrentDictionary<long, TaskCompletionSource<Outcome>> _outcomes = new();
    private bool _isBroken;
    private readonly Task _stage,
        _reporting;

    public SendRig(
        SmtpAccount account,
        SendOptions? options = null,
        Func<Mark, Task<bool>>? mark = null,
        TimeProvider? clock = null,
        AccountTokens? tokens = null,
        Func<AccountKey, bool>? isHeld = null
    )
    {
        clock ??= TimeProvider.System;
        Accounts.Swap(new([account], null));
        Account = account;
        if (mark is not null)
            Marks.Marking = mark;
        Options = options ?? new();
        Pool = new(Accounts, Options, Metrics, clock, NullLogger.Instance, tokens: tokens);
        var stage = new SendStage(
            _input.Reader,
            Pool,
            Marks,
            _report.Writer,
            Wake,
            Options,
            Metrics,
            Accounts,
            clock,
            NullLogger.Instance,
            isHeld: isHeld
        );
        _stage = stage.RunAsync(_stop.Token, _abort.Token, _abort.Token);
        _reporting = Task.Run(ReportAsync);
    }

    public CurrentAccounts Accounts { get; } = new();
    public SmtpAccount Account { get; }
    public SendOptions Options { get; }
    public PipelineMetrics Metrics { get; } = new(Prometheus.Metrics.NewCustomRegistry());
    public SmtpPool Pool { get; }
    public FakeMarks Marks { get; } = new();
    public Wake Wake { get; } = new();

    /// <summary>What came through Report's channel, in order.</summary>
    public ConcurrentQueue<Outcome> Items { get; } = new();

    public ConcurrentDictionary<long, Sample.Permit> Permits { get; } = new();
    public ConcurrentDictionary<long, Sample.Charge> Charges { get; } = new();

    public async Task<Outcome> SendAsync(long id = 1, MailContent? content = null)
    {
        await PutAsync(id, content);
        return await OutcomeAsync(id);
    }

    public async Task PutAsync(long id, MailContent? content = null, SmtpAccount? account = null, bool isProbe = false)
    {
        var permit = Permits.GetOrAdd(id, static _ => new());
        await _input.Writer.WriteAsync(
            new(
                new(Sample.Ticket(id), new(7), permit) { IsProbe = isProbe },
                account ?? Account,
                content ?? Sample.Content(),
                Charges.GetOrAdd(id, static _ => new())
            )
        );
    }

    public Task<Outcome> OutcomeAsync(long id) => Promise(id).Task.WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>Nobody takes outcomes any more.</summary>
    public void CloseReport()
    {
        _isBroken = true;
        _report.Writer.TryComplete();
    }

    /// <summary>No connection is opened any more.</summary>
    public Task StopAsync() => _stop.CancelAsync();

    public Task AbortAsync() => _abort.CancelAsync();

    /// <summary>Completes the channel and waits until the stage has run dry.</summary>
    public async Task DrainAsync()
    {
        _input.Writer.TryComplete();
        await _stage.WaitAsync(TimeSpan.FromSeconds(30));
    }

    public async ValueTask DisposeAsync()
    {
        await _abort.CancelAsync();
        if (!_isBroken)
            await DrainAsync();
        _report.Writer.TryComplete();
        await _reporting.WaitAsync(TimeSpan.FromSeconds(30));
        await Pool.DisposeAsync();
        _abort.Dispose();
        _stop.Dispose();
    }

    private async Task ReportAsync()
    {
        await foreach (var item in _report.Reader.ReadAllAsync())
        {
            Items.Enqueue(item);
            Promise(item.Ticket.Id).TrySetResult(item);
        }
    }

    private TaskCompletionSource<Outcome> Promise(long id) =>
        _outcomes.GetOrAdd(id, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
