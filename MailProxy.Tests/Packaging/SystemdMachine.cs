using System.Diagnostics;
using System.Globalization;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>Debian's systemd as process 1 of namespaces of its own: see <c>boot-systemd.sh</c>. Ends after ten minutes at the latest,
/// whatever becomes of the tests.</summary>
internal sealed class SystemdMachine : IAsyncDisposable
{
    private const string Longest = "600";

    private static readonly string Script = Repository.File("MailProxy.Tests/Packaging/boot-systemd.sh");
    private static readonly string[] Own = ["--mount", "--pid", "--uts", "--ipc", "--net"];

    private readonly TempDirectory _root;
    private readonly Process _process;
    private int _init;

    private SystemdMachine(TempDirectory root, Process process) => (_root, _process) = (root, process);

    /// <param name="program">A published daemon; inside it is <c>/srv/publish</c>.</param>
    /// <param name="packages">A directory that is <c>/srv/packages</c> inside, where dpkg works then; null: nothing can be installed.</param>
    public static async Task<SystemdMachine> BootAsync(string program, string? packages = null)
    {
        var root = new TempDirectory();
        var (file, arguments) = Run.RootCommand(
            "timeout",
            [
                "-s",
                "KILL",
                Longest,
                "unshare",
                .. Own,
                "--fork",
                "--kill-child=KILL",
                Script,
                "boot",
                root,
                PublishedDaemon.Runtime,
                program,
                .. packages is null ? Array.Empty<string>() : [packages],
            ]
        );
        var machine = new SystemdMachine(root, Process.Start(Run.Info(file, arguments))!);
        try
        {
            await machine.UntilRunningAsync();
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a command inside; exit code and everything it printed.</summary>
    public Task<(int ExitCode, string Output)> TryAsync(params string[] command)
    {
        var (file, arguments) = Run.RootCommand(
            "nsenter",
            ["--target", _init.ToString(CultureInfo.InvariantCulture), .. Own, "--cgroup", "--", .. command]
        );
        return Run.AsIsAsync(file, arguments);
    }

    /// <summary>Runs a command inside that must exit 0; what it printed.</summary>
    public async Task<string> RunAsync(params string[] command)
    {
        var (exitCode, output) = await TryAsync(command);
        Assert.That(exitCode, Is.Zero, $"{string.Join(' ', command)}: {output}\n{await JournalAsync()}");
        return output.Trim();
    }

    /// <summary>Runs a shell script inside, in <c>/srv</c>, which must succeed; what it printed.</summary>
    public Task<string> ShellAsync(string script) => RunAsync("bash", "-euo", "pipefail", "-c", "cd /srv\n" + script);

    /// <summary>One property of the service.</summary>
    public async Task<string> ShowAsync(string property) =>
        (await TryAsync("systemctl", "show", "mailproxy", "--value", "-p", property)).Output.Trim();

    public async Task<string> JournalAsync() => (await TryAsync("journalctl", "--no-pager", "-n", "60", "-u", "mailproxy")).Output;

    /// <summary>Asks the daemon over HTTP with the admin key; fails unless the answer is below 400.</summary>
    public Task<string> AskAsync(string path, string? json = null, string method = "") =>
        ShellAsync(
            $"curl -sS --fail-with-body --max-time 30 -H \"Authorization: Bearer $(cat /var/lib/mailproxy/admin.key)\" "
                + $"http://127.0.0.1:8000{path}"
                + (json is null ? "" : $" -H 'Content-Type: application/json' -d '{json}'")
                + (method.Length == 0 ? "" : $" -X {method}")
        );

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        if (_init != 0)
            await Eventually.BecomesAsync(() => Task.FromResult(Directory.Exists($"/proc/{_init}")), there => !there);
        await Run.AsRootAsync("unshare", "--mount", Script, "sweep", _root);
        _process.Dispose();
        _root.Dispose();
    }

    private async Task UntilRunningAsync()
    {
        var error = _process.StandardError.ReadToEndAsync();
        _init = await Eventually.BecomesAsync(
            () =>
            {
                if (!_process.HasExited)
                    return Task.FromResult(Init());
                throw new InvalidOperationException(
                    "The tests of the systemd unit boot a systemd in namespaces of its own, and this machine does not let them: run the "
                        + "tests as root, in a container with CAP_SYS_ADMIN and control groups of version 2. "
                        + error.Result
                );
            },
            init => init != 0
        );
        await Eventually.BecomesAsync(() => TryAsync("systemctl", "is-active", "machine.target"), answer => answer.ExitCode == 0);
    }

    // systemd moves itself there when it has begun.
    private int Init()
    {
        var scope = $"mailproxy-test-{Path.GetFileName(_root.Path)}/init.scope";
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                continue;
            try
            {
                if (File.ReadAllText($"{process}/cgroup").Contains(scope, StringComparison.Ordinal))
                    return id;
            }
            catch (IOException)
            {
                // It ended meanwhile.
            }
        }

        return 0;
    }
}
