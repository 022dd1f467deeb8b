using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using Prometheus;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

/// <summary>The stage of reports on a store that a test scripts.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal abstract class ReportStageFixture
{
    protected static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    protected readonly Channel<Outcome> _input = Channel.CreateBounded<Outcome>(1024);
    protected readonly ScriptedStore _store = new();
    protected readonly MemoryDeliveryLog _log = new();
    protected readonly MemoryCircuits _circuits = new();
    protected readonly CurrentAccounts _accounts = new();
    protected readonly Wake _wake = new();
    protected readonly FakeTimeProvider _clock = new(DateTimeOffset.FromUnixTimeMilliseconds(Now));
    protected readonly PipelineMetrics _metrics = new(Metrics.NewCustomRegistry());
    protected ReportStage _stage = null!;

    [SetUp]
    public void SetUp()
    {
        Swap(version: 1);
        _stage = Stage(_clock);
    }

    protected async Task RunAsync(params Outcome[] items)
    {
        foreach (var item in items)
            await _input.Writer.WriteAsync(item);
        _input.Writer.Complete();
        await _stage.RunAsync().WaitAsync(Deadline);
    }

    protected ReportStage Stage(TimeProvider clock) =>
        new(_input.Reader, _store, Watch(clock), _accounts, _wake, new(), _metrics, clock, () => 0.5, NullLogger.Instance);

    // The stage disposes it.
    private AccountWatch Watch(TimeProvider clock) =>
        new(new(new(), () => 0.5), _accounts, _wake, _log, _circuits, _metrics, static _ => null, clock, NullLogger.Instance);

    protected void Swap(int version) =>
        _accounts.Swap(
            new(
                [
                    new()
                    {
                        Key = Account,
                        Tenant = "default",
                        Id = "main",
                        Version = version,
                    },
                ],
                null
            )
        );

    protected static Outcome.Attempted Sent(long id) => new(Ticket(id), Content(), Verdicts("A"));
}
