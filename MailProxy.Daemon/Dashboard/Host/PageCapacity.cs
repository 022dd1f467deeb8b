using System.Security.Claims;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>
/// What views may use of the daemon at a time, shared out among tenants; who signed in with the admin key has a share of his own.
/// </summary>
internal sealed class PageCapacity(DashboardOptions options, TenantShare share, TimeProvider clock)
{
    private const int Views = 32;
    private const int Reads = 8;
    private const long SentBytes = 64 << 20;
    private const int Imports = 8;

    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(5);

    private readonly SharedCapacity _live = new(options.MaxLiveViews, share);
    private readonly SharedCapacity _views = new(Views, share);
    private readonly SharedCapacity _reads = new(Reads, share);
    private readonly SharedCapacity _imports = new(Imports, share);
    private readonly SharedCapacity _sent = new(SentBytes, share);

    /// <summary>A view that stays open; null: as many are open as may be.</summary>
    public IDisposable? TryOpenLive(ClaimsPrincipal user) => _live.TryTake(Session.ShareOf(user), 1);

    /// <summary>A file that comes in; null: as many come as may.</summary>
    public IDisposable? TryImport(ClaimsPrincipal user) => _imports.TryTake(Session.ShareOf(user), 1);

    /// <summary>A view that is made; null: too many are, and none ended in time.</summary>
    public Task<IDisposable?> EnterAsync(ClaimsPrincipal user, CancellationToken gone) => TakeAsync(_views, user, 1, gone);

    /// <summary>A mail that is read and taken apart, which waits for no browser; null: too many are.</summary>
    public Task<IDisposable?> ReadAsync(ClaimsPrincipal user, CancellationToken gone) => TakeAsync(_reads, user, 1, gone);

    /// <summary>Bytes of a mail on their way to a browser, which may be slow; null: too many are.</summary>
    public Task<IDisposable?> SendAsync(ClaimsPrincipal user, long bytes, CancellationToken gone) => TakeAsync(_sent, user, bytes, gone);

    private async Task<IDisposable?> TakeAsync(SharedCapacity capacity, ClaimsPrincipal user, long amount, CancellationToken gone)
    {
        IDisposable? charge = null;
        var wait = new WaitBudget(Wait, clock);
        await wait.TryAsync(async (at, cancel) => charge = await at.TakeAsync(Session.ShareOf(user), amount, cancel), capacity, gone);
        return charge;
    }
}
