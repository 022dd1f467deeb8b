using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Genro;

/// <summary>Version A has one tenant that nobody makes: it is there before the first request.</summary>
internal sealed partial class GenroStart(GenroOptions options, GenroTenants tenants, CurrentTenants directory, ILogger<GenroStart> logger)
    : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!options.Versions.HasFlag(GenroVersions.A))
            return;
        if (options.DefaultTenant is not { } tenant)
            Log.NoTenant(logger);
        else
            await tenants.PutDefaultAsync(
                new Caller(GenroKeyCheck.Operator, tenant, IsAdmin: true, directory.Directory),
                tenant,
                cancellationToken
            );
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(
            951,
            LogLevel.Warning,
            "Genro:Routes has version A, whose requests name no tenant: with the operator's token they are refused until "
                + "Genro:DefaultTenant says which is meant"
        )]
        public static partial void NoTenant(ILogger logger);
    }
}
