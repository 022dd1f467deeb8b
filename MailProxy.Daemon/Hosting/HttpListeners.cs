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
