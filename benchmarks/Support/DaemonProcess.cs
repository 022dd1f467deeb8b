using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace MailProxy.Benchmarks.Support;

/// <summary>The published daemon as a process of its own, in a data directory that outlives it.</summary>
internal sealed class DaemonProcess : IDisposable
{
    public const string Key = "benchmark-admin-key-0123456789";

    private readonly PassedSocket? _socket;
    private readonly IReadOnlyDictionary<string, string> _settings;
    private Process? _process;

    /// <param name="socket">What it listens on; null: a port of its own.</param>
    public DaemonProcess(string program, string data, IReadOnlyDictionary<string, string>? settings = null, PassedSocket? socket = null)
    {
        Program = program;
        _socket = socket;
        _settings = settings ?? new Dictionary<string, string>();
        Data = data;
        Base = new Uri($"http://127.0.0.1:{socket?.Port ?? FreePort()}");
        Http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 256, UseProxy = false })
        {
            BaseAddress = Base,
            Timeout = TimeSpan.FromSeconds(120),
        };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
    }

    /// <summary>What the next start starts.</summary>
    public string Program { get; set; }

    public string Data { get; }
    public Uri Base { get; }
    public HttpClient Http { get; }
    public int Id => _process!.Id;
    public Process Process => _process!;
    public bool HasExited => _process is null || _process.HasExited;

    /// <summary>Publishes the daemon of this checkout and returns the program's path.</summary>
    public static string Publish(string root, string into)
    {
        var start = new ProcessStartInfo("dotnet") { WorkingDirectory = root, RedirectStandardOutput = true };
        foreach (var argument in new[] { "publish", "MailProxy.Daemon", "-c", "Release", "-o", into, "--nologo", "-v", "q" })
            start.ArgumentList.Add(argument);
        using var publish = System.Diagnostics.Process.Start(start)!;
        var output = publish.StandardOutput.ReadToEnd();
        publish.WaitForExit();
        return publish.ExitCode == 0
            ? Path.Combine(into, "mailproxy")
            : throw new InvalidOperationException("dotnet publish failed:\n" + output);
    }

    public void Start()
    {
        var start = _socket?.Start(Program) ?? new ProcessStartInfo(Program);
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        start.Environment["MAILPROXY_DATA"] = Data;
        start.Environment["MAILPROXY_URLS"] = Base.ToString().TrimEnd('/');
        start.Environment["MAILPROXY_ADMIN_KEY"] = Key;
        start.Environment["MAILPROXY_LOG__LEVEL"] = "Warning";
        foreach (var (name, value) in _settings)
            start.Environment[name] = value;
        _process?.Dispose();
        _process = System.Diagnostics.Process.Start(start)!;
        var log = Path.Combine(Data, "..", "daemon.log");
        _process.OutputDataReceived += (_, line) => Append(log, line.Data);
        _process.ErrorDataReceived += (_, line) => Append(log, line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public async Task ReadyAsync(CancellationToken cancel)
    {
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            if (_process!.HasExited)
                throw new InvalidOperationException($"The daemon exited with {_process.ExitCode}; see daemon.log beside {Data}.");
            try
            {
                using var answer = await Http.GetAsync("/health/ready", cancel);
                if (answer.IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(2, cancel);
        }
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        if (HasExited)
            return;
        _process!.Kill();
        _process.WaitForExit();
    }

    /// <summary>SIGTERM, then waits; the exit code.</summary>
    public async Task<int> StopAsync()
    {
        using (var kill = System.Diagnostics.Process.Start("kill", ["-TERM", Id.ToString()]))
            await kill.WaitForExitAsync();
        await _process!.WaitForExitAsync();
        return _process.ExitCode;
    }

    public async Task PutAccountAsync(string id, int port, int connections = 8)
    {
        var account = new JsonObject
        {
            ["host"] = "127.0.0.1",
            ["port"] = port,
            ["security"] = "none",
            ["max_connections"] = connections,
        };
        using var answer = await Http.PutAsJsonAsync($"/v1/accounts/{id}", account);
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
    }

    public async Task PutAsync(string path, object body)
    {
        using var answer = await Http.PutAsJsonAsync(path, body);
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
    }

    public async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await Http.GetStringAsync(path))!;

    public async Task PostAsync(string path)
    {
        using var answer = await Http.PostAsync(path, null);
        answer.EnsureSuccessStatusCode();
    }

    public void Dispose()
    {
        Kill();
        _process?.Dispose();
        Http.Dispose();
    }

    /// <summary>A port below those that the kernel gives to clients: nobody's connection takes it while the daemon is away.</summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = RandomNumberGenerator.GetInt32(10_000, 32_000);
            using var socket = new TcpListener(IPAddress.Loopback, port);
            try
            {
                socket.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody has it.
            }
        }
    }

    private static void Append(string file, string? line)
    {
        if (line is null)
            return;
        lock (typeof(DaemonProcess))
            File.AppendAllText(file, line + Environment.NewLine);
    }
}
