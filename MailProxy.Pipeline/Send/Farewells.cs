using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Send;

/// <summary>Connections on their way out: closed politely, in the background, each within its bound of time.</summary>
/// <param name="share">How tenants share the politeness: what is beyond is closed without a word.</param>
internal sealed class Farewells(TenantShare share)
{
    private const int AtATime = 64;

    private readonly SharedCapacity _places = new(AtATime, share);
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _leaving = [];

    public void Say(SmtpConnection connection)
    {
        var place = _places.TryTake(connection.Account.Tenant, 1);
        if (place is null)
            connection.Abandon();
        var leaving = Task.Run(async () =>
        {
            using var until = place;
            await connection.DisposeAsync();
        });
        lock (_gate)
            _leaving.Add(leaving);
        leaving.ContinueWith(
            gone =>
            {
                lock (_gate)
                    _leaving.Remove(gone);
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default
        );
    }

    public Task WaitAsync()
    {
        lock (_gate)
            return Task.WhenAll([.. _leaving]);
    }
}
