using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>The requests of all nodes, brought into a store that is away at times.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SharedRequestLogTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 29, 0, 0, 0, TimeSpan.Zero));
    private readonly MemoryStore _store = new();
    private readonly SharedRequestLog _log;

    public SharedRequestLogTests()
    {
        _log = new(_store, new SoleNode(), _clock, NullLogger<SharedRequestLog>.Instance);
        _log.Begin();
    }

    public ValueTask DisposeAsync() => _log.DisposeAsync();

    [Test]
    public async Task Read_AfterARequest_FindsIt()
    {
        _log.Note(Request("a", "/v1/x"));
        Assert.That((await _log.ReadAsync("a", false, null, null, 10)).Select(static one => one.Path), Is.EqualTo(new[] { "/v1/x" }));
    }

    [Test]
    public async Task Begin_NobodyAsksThisNode_OldRequestsAreTakenAway() =>
        await Eventually.BecomesAsync(
            () =>
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(_store.Trimmed);
            },
            static times => times > 0
        );

    [Test]
    public async Task StoreIsAway_RequestsAreBroughtWhenItIsBack()
    {
        _store.IsAway = true;
        _log.Note(Request("a", "/v1/x", status: 503));
        Assert.ThrowsAsync<StoreUnavailableException>(async () => await _log.ReadAsync("a", false, null, null, 10));
        _log.Note(Request("a", "/v1/y") with { At = 1_795_910_400_001 });

        _store.IsAway = false;
        await Eventually.BecomesAsync(
            () =>
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(_store.Rows.Length);
            },
            static rows => rows == 2
        );
        Assert.That(_store.Rows.Select(static one => one.Path), Is.EqualTo(new[] { "/v1/x", "/v1/y" }));
    }

    [Test]
    public async Task VeryMany_DoNotPushOutAFailure()
    {
        _log.Note(Request("a", "/v1/failed", status: 422));
        for (var i = 0; i < 10_000; i++)
            _log.Note(Request("a", "/v1/good"));

        await _log.ReadAsync("a", false, null, null, 10);
        Assert.That(_store.Rows, Has.Length.LessThanOrEqualTo(500));
        Assert.That(_store.Rows.Count(static one => one.HasFailed), Is.EqualTo(1));
    }

    [Test]
    public async Task Forget_ATenant_IsForgottenInTheStoreAndBeforeIt()
    {
        _log.Note(Request("a", "/v1/before"));
        await _log.ReadAsync(null, false, null, null, 10);
        _log.Note(Request("a", "/v1/pending"));
        _log.Note(Request("b", "/v1/other"));

        await _log.ForgetAsync("a");

        var left = await _log.ReadAsync(null, false, null, null, 10);
        Assert.That(left.Select(static one => one.Path), Is.EqualTo(new[] { "/v1/other" }));
    }

    [Test]
    public async Task VeryManyOfOneTenant_DoNotPushOutAnothers()
    {
        _log.Note(Request("quiet", "/v1/quiet", status: 422));
        for (var i = 0; i < 10_000; i++)
            _log.Note(Request("busy", "/v1/busy", status: 422));

        Assert.That(await _log.ReadAsync("quiet", false, null, null, 10), Has.Count.EqualTo(1));
    }

    private static LoggedRequest Request(string tenant, string path, int status = 200) =>
        new(0, 1_795_910_400_000, "GET", path, status, 1, null, "admin", tenant, "r", []);

    private sealed class MemoryStore : IRequestStore
    {
        private readonly Lock _gate = new();
        private List<LoggedRequest> _rows = [];

        public bool IsAway { get; set; }

        public LoggedRequest[] Rows
        {
            get
            {
                lock (_gate)
                    return [.. _rows];
            }
        }

        public Task AddAsync(IReadOnlyList<LoggedRequest> requests)
        {
            if (IsAway)
                return Task.FromException(new StoreUnavailableException("away"));
            lock (_gate)
                _rows.AddRange(requests);
            return Task.CompletedTask;
        }

        public Task<IReadOnlyList<LoggedRequest>> ReadAsync(RequestFilter filter) =>
            Task.FromResult<IReadOnlyList<LoggedRequest>>([.. Rows.Where(one => filter.Tenant is null || one.Tenant == filter.Tenant)]);

        public int Trimmed { get; private set; }

        public Task TrimAsync(long since, int most)
        {
            Trimmed++;
            return Task.CompletedTask;
        }

        public Task ForgetAsync(string tenant)
        {
            lock (_gate)
                _rows = [.. _rows.Where(one => one.Tenant != tenant)];
            return Task.CompletedTask;
        }
    }
}
