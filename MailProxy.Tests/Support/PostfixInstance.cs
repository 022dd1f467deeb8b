using System.Diagnostics;

namespace MailProxy.Tests.Support;

/// <summary>
/// A real Postfix of its own on a free loopback port: own configuration, queue and data below a temporary directory, everything relayed to
/// its own <see cref="SmtpSink"/>. Needs Debian's postfix, and root or sudo without a password.
/// </summary>
internal sealed class PostfixInstance : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mailproxy-postfix-");
    private Process? _process;

    private PostfixInstance() => Sink = new SmtpSink(Path.Combine(_root.FullName, "sink"));

    /// <summary>Where it takes mail, on 127.0.0.1, without TLS and authentication.</summary>
    public int Port { get; } = FreePort.Take();

    public SmtpSink Sink { get; }

    public PostfixLog Log { get; } = new();

    private string Configuration => Path.Combine(_root.FullName, "conf");

    /// <summary>Returns when Postfix and its sink take mail.</summary>
    /// <param name="settings">More lines for its main.cf.</param>
    public static async Task<PostfixInstance> StartAsync(string settings = "")
    {
        var postfix = new PostfixInstance();
        try
        {
            await postfix.LayOutAsync(settings);
            await postfix.Sink.StartAsync();
            await postfix.BeginAsync();
            return postfix;
        }
        catch
        {
            await postfix.DisposeAsync();
            throw;
        }
    }

    public Task KillSinkAsync() => Sink.KillAsync();

    public Task StartSinkAsync() => Sink.StartAsync();

    /// <summary>Tries all that waits at once, instead of when it is due.</summary>
    public Task FlushQueueAsync() => Run.AsRootAsync("postfix", "-c", Configuration, "flush");

    /// <summary>Completes when this many mails have left the queue since the start. The sink's dumps of them are then whole.</summary>
    public Task RemovedAsync(int mails, TimeSpan? deadline = null) => Log.WhenAsync(log => log.Removed >= mails, deadline ?? Deadline);

    /// <summary>Completes when Postfix has put off at least this many recipients since the start.</summary>
    public Task DeferredAsync(int recipients, TimeSpan? deadline = null) =>
        Log.WhenAsync(log => log.Deferred >= recipients, deadline ?? Deadline);

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            if (!process.HasExited)
                await Run.AsRootAsync("postfix", "-c", Configuration, "stop");
            await process.WaitForExitAsync().WaitAsync(Deadline);
            process.Dispose();
        }

        await Sink.DisposeAsync();

        // The queue belongs to users of its own.
        await Run.AsRootAsync("rm", "-rf", _root.FullName);
    }

    private async Task LayOutAsync(string settings)
    {
        // A temporary directory is its owner's alone; Postfix's own users must be able to walk through.
        await Run.AsRootAsync("chmod", "755", _root.FullName);
        foreach (var name in new[] { "conf", "queue", "data" })
            _root.CreateSubdirectory(name);
        await File.WriteAllTextAsync(
            Path.Combine(Configuration, "main.cf"),
            PostfixConfiguration.MainCf(_root.FullName, Sink.Port) + settings
        );
        await File.WriteAllTextAsync(Path.Combine(Configuration, "master.cf"), PostfixConfiguration.MasterCf(Port));
        await Run.AsRootAsync("chown", "postfix", Path.Combine(_root.FullName, "data"));

        // Postfix refuses files that somebody else could change, and a queue that is not root's.
        await Run.AsRootAsync("chown", "-R", "root", Configuration, Path.Combine(_root.FullName, "queue"));
    }

    private async Task BeginAsync()
    {
        var (file, arguments) = Run.RootCommand("postfix", "-c", Configuration, "start-fg");
        _process = new Process { StartInfo = Run.Info(file, arguments) };
        _process.OutputDataReceived += (_, line) => Log.Add(line.Data);
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null)
                Log.Add(line.Data);
        };
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Log.WhenAsync(log => log.Started, Deadline);
    }
}
