using System.Security.Cryptography;
using MailProxy.Daemon.Hosting;
using MailProxy.Daemon.Sandbox;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>
/// The catcher with its inbox in a browser: a whole daemon on 127.0.0.1, in a directory that goes with it, of which only the sandbox is
/// used.
/// </summary>
internal sealed class SandboxPage : IAsyncDisposable
{
    private readonly string _data;
    private WebApplication? _app;

    private SandboxPage(string data) => _data = data;

    /// <summary>The inbox.</summary>
    public Uri Url => new(new Uri(_app!.Urls.First()), "/ui/sandbox");

    /// <summary>Whoever has it may read the mail; it lasts as long as the program runs.</summary>
    public required string Key { get; init; }

    public SandboxServer Server => _app!.Services.GetRequiredService<SandboxServer>();

    /// <summary>Throws <see cref="IOException"/> when a port is taken.</summary>
    public static async Task<SandboxPage> StartAsync(SandboxOptions options, int port, CancellationToken stop)
    {
        var data = Directory.CreateTempSubdirectory("mailproxy-sandbox-").FullName;
        var page = new SandboxPage(data) { Key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)) };
        try
        {
            var settings = new DaemonSettings
            {
                Data = data,
                Urls = $"http://127.0.0.1:{port}",
                Socket = "none",
                AdminKey = page.Key,
                Sandbox = options,
                Log = new() { Level = "Fatal" },
            };
            page._app = await DaemonApp.BuildAsync(settings);
            await page._app.StartAsync(stop);
            return page;
        }
        catch
        {
            await page.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }

        Directory.Delete(_data, recursive: true);
    }
}
