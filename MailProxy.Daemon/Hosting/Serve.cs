using System.Net.Sockets;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Storage;
using Microsoft.AspNetCore.Connections;

namespace MailProxy.Daemon.Hosting;

/// <summary>The command <c>serve</c>: reads the settings, runs the daemon, tells by the exit code how it ended.</summary>
internal static class Serve
{
    public static async Task<int> RunAsync(string[] args)
    {
        var (settings, mistakes) = SettingsReader.Read(args, AppContext.BaseDirectory, SettingsReader.InstalledFile, Environment.GetEnvironmentVariables());
        if (settings is null)
        {
            Console.Error.WriteLine("mailproxy: the settings are wrong:");
            foreach (var mistake in mistakes) Console.Error.WriteLine("  " + mistake);
            return 2;
        }

        try
        {
            await using var app = await DaemonApp.BuildAsync(settings);
            var pipeline = app.Services.GetRequiredService<PipelineService>();
            using var signals = new SecondSignal(app.Services.GetRequiredService<MailPipeline>());
            await StartAsync(app);
            await app.WaitForShutdownAsync();
            return pipeline.Crash is null ? 0 : 1;
        }
        catch (StoreRefusedException refusal)
        {
            return Refuse(refusal.Message);
        }
        catch (StoreUnavailableException unavailable)
        {
            return Refuse($"The start failed. {unavailable.Message}");
        }
        catch (IOException failure) when (failure.InnerException is AddressInUseException)
        {
            return Refuse($"Cannot listen on {settings.Urls}: the port is in use already. Set another by --urls or MAILPROXY_URLS.");
        }
        catch (SocketException failure)
        {
            return Refuse($"Cannot listen on {settings.Urls}: {failure.Message}.");
        }
    }

    // The pipeline starts before HTTP listens and may be sending already: it drains, lest a mail be left in doubt.
    private static async Task StartAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await app.StopAsync();
            throw;
        }
    }

    private static int Refuse(string reason)
    {
        Console.Error.WriteLine("mailproxy: " + reason);
        return 1;
    }
}
