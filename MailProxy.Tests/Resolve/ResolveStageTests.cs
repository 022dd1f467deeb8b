using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Send;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ResolveStageTests
{
    private readonly Channel<DueMail> _input = Channel.CreateBounded<DueMail>(16);
    private readonly Channel<ResolvedMail> _next = Channel.CreateBounded<ResolvedMail>(16);
    private readonly Channel<Outcome> _report = Channel.CreateBounded<Outcome>(16);
    private readonly BodyMemory _bodies = new(10_000, TenantShare.Unlimited);
    private readonly CurrentAccounts _accounts = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly IMessageStore _store = Substitute.For<IMessageStore>();
    private readonly Sample.Permit _permit = new();

    [SetUp]
    public void SetUp() =>
        _store
            .LoadTogetherAsync(default!)
            .ReturnsForAnyArgs(call => new ValueTask<IReadOnlyList<MailContent?>>(
                new MailContent?[call.Arg<IReadOnlyList<LoadRequest>>().Count]
            ));

    [TearDown]
    public void TearDown() => _abort.Dispose();

    [Test]
    public async Task Ticket_Good_IsLoadedBySliceAndCharged()
    {
        var account = Sample.Account(25) with { MaxRecipients = 3 };
        _accounts.Swap(new([account], null));
        var content = Sample.Content();
        _store.LoadAsync(Sample.Ticket(), 3).Returns(content);

        await RunAsync();

        var mail = await _next.Reader.ReadAsync();
        Assert.That((mail.Account, mail.Content, mail.Due.Ticket), Is.EqualTo((account, content, Sample.Ticket())));
        Assert.That(_bodies.Bytes.Used, Is.EqualTo(2 * content.Json.Length));
        Assert.That(_permit.Disposed, Is.False);
        mail.Charge.Dispose();
        Assert.That(_bodies.Bytes.Used, Is.Zero);
    }

    [Test]
    public async Task Ticket_Stale_IsDroppedAndThePermitGivenBack()
    {
        _accounts.Swap(new([Sample.Account(25)], null));

        Assert.That(await OutcomeAsync(), Is.TypeOf<Outcome.Dropped>());
    }

    [Test]
    public async Task Account_Unknown_IsDropped()
    {
        Assert.That(await OutcomeAsync(), Is.TypeOf<Outcome.Dropped>());
        await _store.DidNotReceiveWithAnyArgs().LoadAsync(default, default);
    }

    [Test]
    public async Task Load_Faults_IsPostponed([Values] bool io)
    {
        _accounts.Swap(new([Sample.Account(25)], null));
        _store
            .LoadAsync(Sample.Ticket(), 50)
            .Returns<ValueTask<MailContent?>>(_ => throw (io ? new IOException("gone") : new InvalidOperationException("odd")));

        Assert.That(await OutcomeAsync(), Is.TypeOf<Outcome.Postponed>().With.Property("Reason").Contains(io ? "gone" : "odd"));
    }

    [Test]
    public async Task Abort_WhileTheBudgetIsSpent_Drops()
    {
        _accounts.Swap(new([Sample.Account(25)], null));
        using var others = _bodies.Bytes.TryTake("others", 10_000);
        var loaded = new TaskCompletionSource();
        _store
            .LoadAsync(Sample.Ticket(), 50)
            .Returns(_ =>
            {
                loaded.SetResult();
                return Sample.Content();
            });
        var running = RunAsync();
        await loaded.Task.WaitAsync(TimeSpan.FromSeconds(30));

        await _abort.CancelAsync();
        await running;

        Assert.That(await _report.Reader.ReadAsync(), Is.TypeOf<Outcome.Dropped>());
        Assert.That(_permit.Disposed, Is.True);
    }

    private async Task<Outcome> OutcomeAsync()
    {
        await RunAsync();
        Assert.That(_permit.Disposed, Is.True);
        return await _report.Reader.ReadAsync();
    }

    private async Task RunAsync()
    {
        await _input.Writer.WriteAsync(new(Sample.Ticket(), new(7), _permit));
        _input.Writer.Complete();
        var attachments = new Attachments(null!, _accounts, null, null);
        var stage = new ResolveStage(
            _input.Reader,
            _store,
            _accounts,
            _next.Writer,
            _report.Writer,
            new(4, TenantShare.Unlimited),
            _bodies,
            static account => account.SliceSize,
            Unlimited.Destinations,
            attachments,
            TimeProvider.System,
            NullLogger.Instance
        );
        await stage.RunAsync(_abort.Token).WaitAsync(TimeSpan.FromSeconds(30));
    }
}
