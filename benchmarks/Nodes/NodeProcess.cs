using MailProxy.Benchmarks.Support;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>One node: its process, and its own way to the database.</summary>
internal sealed class NodeProcess : IDisposable
{
    private readonly DaemonProcess _daemon;

    /// <param name="hasClock">It has a wall clock of its own, which can be set.</param>
    public NodeProcess(
        string name,
        string program,
        string place,
        PostgresServer server,
        string database,
        NodesOptions options,
        bool hasClock
    )
    {
        Name = name;
        Way = new(server.PortNumber);
        var ttl = TimeSpan.FromSeconds(options.Ttl);
        var data = Directory.CreateDirectory(Path.Combine(place, name, "data")).FullName;
        Clock = hasClock ? new(Path.Combine(place, name, "clock")) : null;
        var settings = new Dictionary<string, string>
        {
            ["MAILPROXY_STORAGE__PROVIDER"] = "postgres",
            ["MAILPROXY_STORAGE__CONNECTIONSTRING"] = server.ConnectionString(database, Way.Port),
            ["MAILPROXY_STORAGE__NODES__NAME"] = name,
            ["MAILPROXY_STORAGE__NODES__BEAT"] = (ttl / 6).ToString("c"),
            ["MAILPROXY_STORAGE__NODES__TIMETOLIVE"] = ttl.ToString("c"),
            ["MAILPROXY_STORAGE__NODES__MARGIN"] = (ttl / 6).ToString("c"),
            ["MAILPROXY_MASTER_KEY"] = new string('5', 64),
            ["MAILPROXY_REPORT__RETRYMINUTES"] = "0.02, 0.02, 0.05, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2, 0.2",
            ["MAILPROXY_REPORT__ACCOUNTBACKOFFFIRST"] = "00:00:01",
            ["MAILPROXY_REPORT__ACCOUNTBACKOFFLONGEST"] = "00:00:01",
            ["MAILPROXY_NETWORK__ALLOWED__0"] = "127.0.0.0/8",
            ["MAILPROXY_DASHBOARD__ENABLED"] = "false",
        };
        foreach (var (setting, value) in Clock?.Environment ?? [])
            settings[setting] = value;
        _daemon = new(program, data, settings);
    }

    public string Name { get; }

    public CuttableProxy Way { get; }

    public FakeClock? Clock { get; }

    public HttpClient Http => _daemon.Http;

    public DaemonProcess Daemon => _daemon;

    /// <summary>It has ended by itself: the others had declared it dead.</summary>
    public bool HasEnded => _daemon.HasExited;

    public void Start() => _daemon.Start();

    public void Kill() => _daemon.Kill();

    public async Task ReadyAsync(TimeSpan within)
    {
        using var cancel = new CancellationTokenSource(within);
        while (true)
        {
            try
            {
                await _daemon.ReadyAsync(cancel.Token);
                return;
            }
            catch (InvalidOperationException) when (_daemon.HasExited)
            {
                // What was done to it before made it end while it started.
                await Task.Delay(100, cancel.Token);
                _daemon.Start();
            }
        }
    }

    public Task SignalAsync(string signal) => System.Diagnostics.Process.Start("kill", [$"-{signal}", $"{_daemon.Id}"]).WaitForExitAsync();

    public void Dispose()
    {
        _daemon.Dispose();
        Way.Dispose();
    }
}
