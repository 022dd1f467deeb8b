using System.Collections.Concurrent;
using System.Diagnostics;

namespace MailProxy.Tests.Support;

/// <summary>
/// A mail server out of a Debian package that <c>./run-tests --install</c> has only unpacked below <c>.tools</c>: Debian has no two of them
/// beside each other. It runs in namespaces of its own, with the users that it asks for and a spool in memory, and nothing of it stays. It
/// ends with its input, and so with this process. Needs root, or sudo without a password.
/// </summary>
internal sealed class UnpackedMta : IAsyncDisposable
{
    /// <summary>Where it finds its configuration.</summary>
    public const string Configuration = "/var/lib/mta.conf";

    /// <summary>Where it finds the unpacked packages.</summary>
    public const string Programs = "/var/lib/mta";

    private const string Script = """
        set -e
        umask 022
        for place in /var/lib /var/spool /run; do mount -t tmpfs -o mode=755 tmpfs "$place"; done
        mkdir -p /var/lib/mta /var/lib/opensmtpd/empty /var/spool/exim/log
        mkdir -m 711 /var/spool/smtpd
        mount --bind "$1" /var/lib/mta
        printf '%s' "$2" > /var/lib/mta.conf
        cp /etc/passwd /etc/group /var/lib
        id=64901
        for user in Debian-exim opensmtpd opensmtpq; do
            echo "$user:x:$id:$id::/:/usr/sbin/nologin" >> /var/lib/passwd
            echo "$user:x:$id:" >> /var/lib/group
            id=$((id + 1))
        done
        mount --bind /var/lib/passwd /etc/passwd
        mount --bind /var/lib/group /etc/group
        chown -R Debian-exim:Debian-exim /var/spool/exim
        shift 2
        "$@" < /dev/null &
        read -r end || true
        """;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log = [];

    private UnpackedMta(Process process) => _process = process;

    /// <summary>Returns when it takes mail.</summary>
    /// <param name="program">Below the unpacked packages, with what it is told.</param>
    public static async Task<UnpackedMta> StartAsync(int port, string configuration, params string[] program)
    {
        var root = Repository.File(".tools/mta/root");
        if (!File.Exists(root + program[0]))
            throw new InvalidOperationException($"{program[0]} for tests is missing: ./run-tests --install");
        var (file, arguments) = Run.RootCommand(
            "unshare",
            ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--"]
        );
        string[] inside = ["sh", "-c", Script, "sh", root, configuration, Programs + program[0], .. program[1..]];
        var mta = new UnpackedMta(new() { StartInfo = Run.Info(file, [.. arguments, .. inside]) });
        mta._process.OutputDataReceived += (_, line) => mta.Note(line.Data);
        mta._process.ErrorDataReceived += (_, line) => mta.Note(line.Data);
        mta._process.Start();
        mta._process.BeginOutputReadLine();
        mta._process.BeginErrorReadLine();
        try
        {
            await Listening.UntilAsync(mta._process, port);
            return mta;
        }
        catch (Exception error)
        {
            await mta.DisposeAsync();
            throw new InvalidOperationException($"{program[0]} did not start:\n{string.Join('\n', mta._log)}", error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(Deadline);
        _process.Dispose();
    }

    private void Note(string? line)
    {
        if (line is null)
            return;
        _log.Enqueue(line);
        if (_log.Count > 100)
            _log.TryDequeue(out _);
    }
}
