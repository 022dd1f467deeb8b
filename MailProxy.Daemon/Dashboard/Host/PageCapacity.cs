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
    private const long ContentBytes = 96 << 20;

    // Read, taken apart and written, a mail is in memory several times.
    private const long TimesInMemory = 4;

    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(5);

    private readonly SharedCapacity _live = new(options.MaxLiveViews, share);
    private readonly SharedCapacity _views = new(Views, share);
    private readonly SharedCapacity _content = new(ContentBytes, share);

    /// <summary>A view that stays open; null: as many are open as may be.</summary>
    public IDisposable? TryOpenLive(ClaimsPrincipal user) => _live.TryTake(Session.ShareOf(user), 1);

    /// <summary>A view that is made; null: too many are, and none ended in time.</summary>
    public Task<IDisposable?> EnterAsync(ClaimsPrincipal user, CancellationToken gone) => TakeAsync(_views, user, 1, gone);

    /// <summary>Room for a mail of so many bytes; null: there is none now.</summary>
    public Task<IDisposable?> HoldAsync(ClaimsPrincipal user, long bytes, CancellationToken gone) =>
        TakeAsync(_content, user, Math.Min(bytes * TimesInMemory, ContentBytes / 2), gone);

    private async Task<IDisposable?> TakeAsync(SharedCapacity capacity, ClaimsPrincipal user, long amount, CancellationToken gone)
    {
        IDisposable? charge = null;
        var wait = new WaitBudget(Wait, clock);
        await wait.TryAsync(async (at, cancel) => charge = await at.TakeAsync(Session.ShareOf(user), amount, cancel), capacity, gone);
        return charge;
    }
}
