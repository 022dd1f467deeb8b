using MailProxy.Daemon.Api;
using Microsoft.AspNetCore.Connections;

namespace MailProxy.Daemon.Hosting;

/// <summary>Registers what HTTP listens with.</summary>
internal static class HttpListeners
{
    public static void AddHttpListeners(this IServiceCollection services, PassedSockets passed)
    {
        // The last factory that is registered is asked first.
        services.AddSingleton<AcceptGate>();
        services.AddSingleton<IConnectionListenerFactory>(provider => provider.GetRequiredService<AcceptGate>());
        services.AddSingleton(provider => new LastAnswers(
            provider.GetRequiredService<ConnectionLimit>(),
            provider.GetRequiredService<AcceptGate>(),
            passed.Any,
            provider.GetRequiredService<TimeProvider>()
        ));
    }
}

/// <summary>
/// What HTTP does between the request to stop and the stop: for a moment every answer says <c>Connection: close</c> (RFC 9112, 9.6), so that
/// clients let go of their connections by themselves instead of writing into one that is being closed.
/// </summary>
/// <param name="held">The service manager holds the sockets: nothing more is accepted meanwhile.</param>
internal sealed class LastAnswers(ConnectionLimit connections, AcceptGate gate, bool held, TimeProvider clock)
{
    /// <summary>Long enough for every client that sends mail all the time, and short beside a start.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(250);

    /// <summary>Returns when no connection is open, or after <see cref="Longest"/>, or when it is to end at once.</summary>
    public async Task GiveAsync(CancellationToken atOnce) =>
        await CloseAllAsync().WaitAsync(Longest, clock, atOnce).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task CloseAllAsync()
    {
        if (held)
            await gate.CloseAsync();
        connections.CloseAfterAnswers();
        await gate.NoneOpenAsync();
    }
}
