namespace MailProxy.Daemon.Hosting;

/// <summary>The command <c>serve</c>: reads the settings, runs the daemon, and tells by the exit code how it ended.</summary>
internal static class Serve
{
    public static async Task<int> RunAsync(string[] args)
    {
        var (settings, mistakes) = SettingsReader.Read(
            args,
            AppContext.BaseDirectory,
            SettingsReader.InstalledFile,
            Environment.GetEnvironmentVariables()
        );
        if (settings is null)
            return RefuseSettings(mistakes);

        WebApplication? app = null;
        try
        {
            app = await DaemonApp.BuildAsync(settings);
            using var signals = new StopSignals(app);
            if (await StartAsync(app, settings) is { } failure)
            {
                await app.DisposeAsync(); // so that the log is written before the reason
                return signals.Asked && failure is OperationCanceledException ? 0 : Refuse(failure, settings);
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
