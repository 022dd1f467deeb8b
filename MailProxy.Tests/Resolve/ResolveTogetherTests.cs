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

/// <summary>What has gathered is loaded together; whatever that does not suit goes its own way.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ResolveTogetherTests
{
    private const int Body = 100;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Channel<DueMail> _input = Channel.CreateBounded<DueMail>(16);
    private readonly Channel<ResolvedMail> _next = Channel.CreateBounded<ResolvedMail>(16);
    private readonly Channel<Outcome> _report = Channel.CreateBounded<Outcome>(16);
    private readonly BodyMemory _bodies = new(10 * 2 * Body, TenantShare.Unlimited);
    private readonly CurrentAccounts _accounts = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly IMessageStore _store = Substitute.For<IMessageStore>();
    private readonly List<LoadRequest> _asked = [];
    private Func<LoadRequest, MailContent?> _load = Content;

    [SetUp]
    public void SetUp()
    {
        _accounts.Swap(new([Sample.Account(25) with { MaxRecipients = 3 }], null));
        _store
            .LoadTogetherAsync(default!)
            .ReturnsForAnyArgs(call =>
            {
                _asked.AddRange(call.Arg<IReadOnlyList<LoadRequest>>());
                return new ValueTask<IReadOnlyList<MailContent?>>([.. _asked.Select(_load)]);
            });
        _store.LoadAsync(default, 0).ReturnsForAnyArgs(call => Content(new(call.Arg<QueuedMail>(), call.Arg<int>())));
    }

    [TearDown]
    public void TearDown() => _stop.Dispose();

    [Test]
    public async Task Gathered_IsLoadedByOneRead_InItsOrder()
    {
        var permits = await RunAsync(5);

        Assert.That(_asked, Is.EqualTo(Enumerable.Range(0, 5).Select(n => new LoadRequest(Ticket(n), 3))));
        Assert.That(Passed(), Is.EqualTo(new[] { 0, 1, 2, 3, 4 }));
        Assert.That(_bodies.Bytes.Used, Is.EqualTo(5 * 2 * Body));
        Assert.That(permits.Exists(static permit => permit.Disposed), Is.False);
        await _store.DidNotReceiveWithAnyArgs().LoadAsync(default, 0);
    }

    [Test]
    public async Task LeftOut_IsLoadedByItself()
    {
        _load = request => request.Ticket.Id == 1 ? null : Content(request);

        await RunAsync(3);

        Assert.That(Passed(), Is.EquivalentTo(new[] { 0, 1, 2 }));
        await _store.Received(1).LoadAsync(Ticket(1), 3);
        await _store.ReceivedWithAnyArgs(1).LoadAsync(default, 0);
    }

    [Test]
    public async Task TheReadFails_EachIsLoadedByItself()
    {
        _load = static _ => throw new InvalidOperationException("one of them");
        _store.LoadAsync(Ticket(1), 3).Returns<ValueTask<MailContent?>>(static _ => throw new InvalidOperationException("this one"));

        var permits = await RunAsync(3);

        Assert.That(Passed(), Is.EquivalentTo(new[] { 0, 2 }));
        Assert.That(await _report.Reader.ReadAsync(), Is.TypeOf<Outcome.Postponed>().With.Property("Ticket").EqualTo(Ticket(1)));
        Assert.That(permits.Select(static permit => permit.Disposed), Is.EqualTo(new[] { false, true, false }));
    }

    [Test]
    public async Task MemorySpent_TheRestWaitsByItself_AndHoldsNothing()
    {
        var running = StartAsync(12);
        for (var n = 0; n < 12; n++)
        {
            var mail = await _next.Reader.ReadAsync().AsTask().WaitAsync(Deadline);
            Assert.That(_bodies.Bytes.Used, Is.LessThanOrEqualTo(10 * 2 * Body));
            mail.Charge.Dispose();
        }

        await running;
        Assert.That(_bodies.Bytes.Used, Is.Zero);
    }

    [Test]
    public async Task Stopped_NothingIsLoaded_AndAllIsDropped()
    {
        await _stop.CancelAsync();

        var permits = await RunAsync(3);

        Assert.That(_asked, Is.Empty);
        Assert.That(_report.Reader.Count, Is.EqualTo(3));
        Assert.That(permits.TrueForAll(static permit => permit.Disposed), Is.True);
    }

    [Test]
    public async Task RefusedByALimit_IsNotSent()
    {
        var refused = Substitute.For<SendPermit>();
        refused.Refusal.Returns("per_day 5");
        await _input.Writer.WriteAsync(new(Ticket(9), new(7), refused));

        await RunAsync(1);

        Assert.That(Passed(), Is.EqualTo(new[] { 0 }));
        Assert.That(await _report.Reader.ReadAsync(), Is.TypeOf<Outcome.Unsendable>().With.Property("Ticket").EqualTo(Ticket(9)));
    }

    private static QueuedMail Ticket(int n) => Sample.Ticket() with { Id = n };

    private static MailContent Content(LoadRequest request) =>
        Sample.Content() with
        {
            Json = new byte[Body],
            MessageIdHeader = $"<{request.Ticket.Id}@example.com>",
        };

    private List<int> Passed()
    {
        var passed = new List<int>();
        while (_next.Reader.TryRead(out var mail))
            passed.Add((int)mail.Due.Ticket.Id);
        return passed;
    }

    private async Task<List<Sample.Permit>> RunAsync(int mails)
    {
        List<Sample.Permit> permits = [.. Enumerable.Range(0, mails).Select(_ => new Sample.Permit())];
        for (var n = 0; n < mails; n++)
            await _input.Writer.WriteAsync(new(Ticket(n), new(7), permits[n]));
        _input.Writer.Complete();
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
            new Attachments(null!, _accounts, null, null),
            TimeProvider.System,
            NullLogger.Instance
        );
        await stage.RunAsync(_stop.Token).WaitAsync(Deadline);
        return permits;
    }

    private Task StartAsync(int mails) => Task.Run(() => RunAsync(mails));
}
