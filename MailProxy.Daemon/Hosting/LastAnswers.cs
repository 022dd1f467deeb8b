using MailProxy.Daemon.Api;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// What HTTP does between the request to stop and the stop: for a moment every answer says <c>Connection: close</c> (RFC 9112, 9.6), so
/// that clients let go of their connections by themselves instead of writing into one that is being closed.
/// </summary>
/// <param name="held">The service manager holds the sockets: who connects meanwhile waits for the next process.</param>
internal sealed class LastAnswers(ConnectionLimit connections, AcceptGate gate, bool held, TimeProvider clock)
{
    /// <summary>Long enough for every client that sends mail all the time, and short beside a start.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(150);

    /// <summary>Returns when no connection is open, or after <see cref="Longest"/>, or when it is to end at once.</summary>
    public async Task GiveAsync(CancellationToken atOnce) =>
        await CloseAllAsync().WaitAsync(Longest, clock, atOnce).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task CloseAllAsync()
    {
        await gate.CloseAsync(held);
        connections.CloseAfterAnswers();
        await gate.NoneOpenAsync();
    }
}
