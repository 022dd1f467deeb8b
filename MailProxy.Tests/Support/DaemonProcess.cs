using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace MailProxy.Tests.Support;

/// <summary>The daemon as a process of its own, as systemd or a shell runs it: signals, exit codes, what it prints.</summary>
internal sealed partial class DaemonProcess : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    public const string Key = "test-admin-key-0123456789";

    private readonly Process _process;
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _output = [];
    private readonly List<(string Text, TaskCompletionSource Signal)> _awaited = [];

    private DaemonProcess(Process process)
    {
        _process = process;
        Http = new HttpClient { Timeout = Deadline };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
    }

    public HttpClient Http { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Output
    {
        get
        {
            lock (_output)
                return string.Join('\n', _output);
        }
    }

    /// <summary>
    /// Starts it with these settings (environment names without the prefix, or with a $ in front as they are); does not wait.
    /// </summary>
    public static DaemonProcess Start(string data, params (string Name, string Value)[] settings) => Start([], data, settings);

    /// <summary>The same behind another program that becomes it, such as <c>prlimit</c> with its options.</summary>
    public static DaemonProcess Start(string[] behind, string data, params (string Name, string Value)[] settings)
    {
        var daemon = Begin(behind, data, settings);
        daemon._process.OutputDataReceived += (_, line) => daemon.Read(line.Data);
        daemon._process.ErrorDataReceived += (_, line) => daemon.Read(line.Data);
        daemon._process.BeginOutputReadLine();
        daemon._process.BeginErrorReadLine();
        return daemon;
    }

    /// <summary>Starts one at this address whose output nobody reads; does not wait.</summary>
    public static DaemonProcess StartUnread(string data, Uri url, params (string Name, string Value)[] settings)
    {
        var daemon = Begin([], data, [("URLS", url.ToString()), .. settings]);
        daemon.Http.BaseAddress = url;
        return daemon;
    }

    private static DaemonProcess Begin(string[] behind, string data, (string Name, string Value)[] settings)
    {
        string[] command = [.. behind, "dotnet", Path.Combine(AppContext.BaseDirectory, "mailproxy.dll")];
        var info = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var name in (string[])["JOURNAL_STREAM", "INVOCATION_ID"])
            info.Environment.Remove(name);
        info.Environment["MAILPROXY_DATA"] = data;
        info.Environment["MAILPROXY_URLS"] = "http://127.0.0.1:0";
        info.Environment["MAILPROXY_ADMIN_KEY"] = Key;
        foreach (var (name, value) in settings)
            info.Environment[name.StartsWith('$') ? name[1..] : "MAILPROXY_" + name] = value;
        var daemon = new DaemonProcess(new Process { StartInfo = info });
        daemon._process.Start();
        return daemon;
    }

    /// <summary>Completes when HTTP listens.</summary>
    public async Task ListeningAsync()
    {
        var exited = _process.WaitForExitAsync();
        if (await Task.WhenAny(_listening.Task, exited).WaitAsync(Deadline) == exited)
            Assert.Fail($"It exited with {_process.ExitCode}:\n{Output}");
        Http.BaseAddress = await _listening.Task;
    }

    /// <summary>Completes when a line with this text was printed.</summary>
    public Task PrintsAsync(string text)
    {
        var signal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_output)
        {
            if (_output.Exists(line => line.Contains(text, StringComparison.Ordinal)))
                return Task.CompletedTask;
            _awaited.Add((text, signal));
        }

        return signal.Task.WaitAsync(Deadline);
    }

    /// <summary>Completes when an event of the message tells of this status.</summary>
    public Task UntilAsync(string message, string status) =>
        EventFeed.UntilAsync(Http, one => (string?)one["data"]!["message_id"] == message && (string?)one["data"]!["status"] == status);

    public async Task SignalAsync(string signal) => await Run.AsIsAsync("kill", $"-{signal}", _process.Id.ToString());

    public async Task<System.Net.HttpStatusCode> StatusAsync(string path)
    {
        using var answer = await Http.GetAsync(path);
        return answer.StatusCode;
    }

    /// <summary>Whether it is ready; false while nobody listens.</summary>
    public async Task<bool> IsReadyAsync()
    {
        try
        {
            return await StatusAsync("/health/ready") == System.Net.HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Deadline);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Http.Dispose();
    }

    private void Read(string? line)
    {
        if (line is null)
            return;
        lock (_output)
        {
            _output.Add(line);
            foreach (var (text, signal) in _awaited)
            {
                if (line.Contains(text, StringComparison.Ordinal))
                    signal.TrySetResult();
            }
        }

        if (line.Contains("Now listening on: ", StringComparison.Ordinal) && Address().Match(line) is { Success: true } address)
            _listening.TrySetResult(new Uri(address.Value));
    }

    // As words for people or as JSON.
    [GeneratedRegex(@"http://127\.0\.0\.1:\d+")]
    private static partial Regex Address();
}
