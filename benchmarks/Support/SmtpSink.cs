using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MailProxy.Benchmarks.Support;

/// <summary>Postfix's <c>smtp-sink</c> on a port of its own: takes everything and keeps nothing.</summary>
internal sealed class SmtpSink : IDisposable
{
    private static readonly string[] Places = ["/usr/sbin/smtp-sink", "/usr/bin/smtp-sink", "/usr/local/sbin/smtp-sink"];
    private readonly Process _process;
    private bool _ended;

    private SmtpSink(Process process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    public int Id => _process.Id;

    public static async Task<SmtpSink> StartAsync(int? port = null)
    {
        var program =
            Array.Find(Places, File.Exists)
            ?? throw new FileNotFoundException("smtp-sink is missing. On Debian: apt-get install postfix (the service need not run).");
        var sink = port ?? DaemonProcess.FreePort();
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true };

        // As root it insists on becoming somebody else.
        if (Environment.IsPrivilegedProcess)
            start.ArgumentList.Add("-u");
        if (Environment.IsPrivilegedProcess)
            start.ArgumentList.Add("postfix");
        start.ArgumentList.Add($"127.0.0.1:{sink}");
        start.ArgumentList.Add("1000");
        var process = Process.Start(start)!;
        await ListeningAsync(process, sink);
        return new(process, sink);
    }

    public void Dispose()
    {
        if (_ended)
            return;
        _ended = true;
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    // It tells nobody when it listens.
    private static async Task ListeningAsync(Process process, int port)
    {
        for (var left = 500; ; left--)
        {
            if (process.HasExited)
                throw new InvalidOperationException($"smtp-sink exited with {process.ExitCode}.");
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException) when (left > 0)
            {
                await Task.Delay(20);
            }
        }
    }
}
