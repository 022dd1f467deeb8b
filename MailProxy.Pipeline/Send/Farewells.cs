namespace MailProxy.Pipeline.Send;

/// <summary>Connections on their way out: closed politely, in the background, each within its bound of time.</summary>
internal sealed class Farewells
{
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _leaving = [];

    public void Say(SmtpConnection connection)
    {
        var leaving = Task.Run(async () => await connection.DisposeAsync());
        lock (_gate) _leaving.Add(leaving);
        leaving.ContinueWith(
            gone =>
            {
                lock (_gate) _leaving.Remove(gone);
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    public Task WaitAsync()
    {
        lock (_gate) return Task.WhenAll([.. _leaving]);
    }
}
