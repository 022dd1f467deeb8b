using System.Diagnostics;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Support;

/// <summary>
/// A Postfix of its own on a loopback port that relays everything to a given port. Its queue lies on the same disk as the daemon's data.
/// </summary>
internal sealed class PostfixRelay : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mailproxy-postfix-");
    private readonly PostfixLog _log = new();
    private readonly int _port = DaemonProcess.FreePort();
    private Process? _process;

    /// <summary>Debian's packages are there, and we may start it.</summary>
    public static bool IsInstalled =>
        File.Exists("/usr/sbin/postfix") && File.Exists("/usr/sbin/smtp-source") && Environment.IsPrivilegedProcess;

    public int Id => _process!.Id;

    private string Configuration => Path.Combine(_root.FullName, "conf");

    public static async Task<PostfixRelay> StartAsync(int sinkPort)
    {
        var relay = new PostfixRelay();
        await Run.AsRootAsync("chmod", "755", relay._root.FullName);
        foreach (var name in new[] { "conf", "queue", "data" })
            relay._root.CreateSubdirectory(name);
        await File.WriteAllTextAsync(
            Path.Combine(relay.Configuration, "main.cf"),
            PostfixConfiguration.MainCf(relay._root.FullName, sinkPort)
        );
        await File.WriteAllTextAsync(Path.Combine(relay.Configuration, "master.cf"), PostfixConfiguration.MasterCf(relay._port));
        await Run.AsRootAsync("chown", "postfix", Path.Combine(relay._root.FullName, "data"));
        relay._process = new Process { StartInfo = Run.Info("postfix", "-c", relay.Configuration, "start-fg") };
        relay._process.OutputDataReceived += (_, line) => relay._log.Add(line.Data);
        relay._process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null)
                relay._log.Add(line.Data);
        };
        relay._process.Start();
        relay._process.BeginOutputReadLine();
        relay._process.BeginErrorReadLine();
        await relay._log.WhenAsync(log => log.Started, Deadline);
        return relay;
    }

    /// <summary>Sends so many messages by <c>smtp-source</c> and returns when the last has left the queue.</summary>
    public async Task PassAsync(int messages, int bytes)
    {
        var before = _log.Removed;
        var (exit, output) = await Run.AsIsAsync(
            "smtp-source",
            "-s",
            "64",
            "-l",
            $"{bytes}",
            "-m",
            $"{messages}",
            "-f",
            TestMail.From,
            "-t",
            "reader@example.net",
            $"127.0.0.1:{_port}"
        );
        if (exit != 0)
            throw new InvalidOperationException($"smtp-source exited with {exit}: {output}");
        await _log.WhenAsync(log => log.Removed >= before + messages, Deadline);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            if (!process.HasExited)
                await Run.AsRootAsync("postfix", "-c", Configuration, "stop");
            await process.WaitForExitAsync();
            process.Dispose();
        }

        await Run.AsRootAsync("rm", "-rf", _root.FullName);
    }
}
