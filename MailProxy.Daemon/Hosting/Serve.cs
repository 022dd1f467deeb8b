using MailProxy.Pipeline;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Hosting;

/// <summary>The command <c>serve</c>: reads the settings, runs the daemon, tells by the exit code how it ended.</summary>
internal static class Serve
{
    public static async Task<int> RunAsync(string[] args)
    {
        var (settings, mistakes) = SettingsReader.Read(SettingsReader.Sources(args, AppContext.BaseDirectory));
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
            await app.RunAsync();
            return pipeline.Crash is null ? 0 : 1;
        }
        catch (StoreRefusedException refusal)
        {
            Console.Error.WriteLine("mailproxy: " + refusal.Message);
            return 1;
        }
        catch (IOException failure) when (failure.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            Console.Error.WriteLine($"mailproxy: {settings.Urls} is in use already: {failure.Message}");
            return 1;
        }
    }
}
