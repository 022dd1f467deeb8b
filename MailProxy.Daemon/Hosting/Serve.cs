using MailProxy.Daemon.Api;
using Microsoft.Extensions.Hosting.Systemd;

namespace MailProxy.Daemon.Hosting;

/// <summary>The command <c>serve</c>: reads the settings, runs the daemon, and tells by the exit code how it ended.</summary>
internal static class Serve
{
    public static async Task<int> RunAsync(string[] args)
    {
        var (settings, mistakes) = Read(args);
        if (settings is null)
            return RefuseSettings(mistakes);

        WebApplication? app = null;
        try
        {
            app = await DaemonApp.BuildAsync(settings);
            using var signals = new StopSignals(app, ReloadOf(app, settings, args));
            if (await StartAsync(app, settings) is { } failure)
            {
                var crash = app.Services.GetRequiredService<PipelineService>().Crash;
                await app.DisposeAsync(); // so that the log is written before the reason
                return crash is null && signals.Asked && failure is OperationCanceledException ? 0 : Refuse(crash ?? failure, settings);
            }

            await signals.StopWhenAskedAsync();
            return app.Services.GetRequiredService<PipelineService>().Crash is null ? 0 : 1;
        }
        catch (Exception error) when (app is null)
        {
            return Refuse(error, settings);
        }
        finally
        {
            if (app is not null)
                await app.DisposeAsync();
        }
    }

    private static (DaemonSettings? Settings, IReadOnlyList<string> Mistakes) Read(string[] args) =>
        SettingsReader.Read(args, AppContext.BaseDirectory, SettingsReader.InstalledFile, Environment.GetEnvironmentVariables());

    // Without a service manager SIGHUP says that the terminal was closed.
    private static Action? ReloadOf(WebApplication app, DaemonSettings settings, string[] args) =>
        app.Services.GetRequiredService<ISystemdNotifier>().IsEnabled
            ? new SettingsReload(
                settings,
                () => Read(args),
                app.Services.GetRequiredService<LogLevels>(),
                app.Services.GetRequiredService<AdminKey>(),
                app.Services.GetRequiredService<ILogger<SettingsReload>>()
            ).Run
            : null;

    // The pipeline starts before HTTP listens and may be sending already, so it must drain; otherwise a mail may be left in doubt.
    private static async Task<Exception?> StartAsync(WebApplication app, DaemonSettings settings)
    {
        try
        {
            UnixSockets.Clear(settings.Urls);
            await app.StartAsync();
            return null;
        }
        catch (Exception error)
        {
            try
            {
                await app.StopAsync();
                return error;
            }
            catch (Exception second)
            {
                return new AggregateException(error, second);
            }
        }
    }

    internal static int RefuseSettings(IReadOnlyList<string> mistakes)
    {
        if (mistakes.Count == 1)
        {
            Console.Error.WriteLine("mailproxy: the settings are wrong: " + mistakes[0]);
            return 2;
        }

        Console.Error.WriteLine("mailproxy: the settings are wrong:");
        foreach (var mistake in mistakes)
            Console.Error.WriteLine("  " + mistake);
        return 2;
    }

    private static int Refuse(Exception failure, DaemonSettings settings)
    {
        Console.Error.WriteLine("mailproxy: " + StartFailure.Describe(failure, settings.Urls));
        return 1;
    }
}
