using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Send;

/// <summary>Closes connections with QUIT in the background, each within a time limit.</summary>
/// <param name="share">How tenants share the connections that are closed at the same time; what is beyond is closed without QUIT.</param>
internal sealed class Farewells(TenantShare share)
{
    private const int AtATime = 64;

    private readonly SharedCapacity _slots = new(AtATime, share);
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _leaving = [];

    public void Say(SmtpConnection connection)
    {
        var slot = _slots.TryTake(connection.Account.Tenant, 1);
        if (slot is null)
            connection.Abandon();
        var leaving = Task.Run(async () =>
        {
            using var held = slot;
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
