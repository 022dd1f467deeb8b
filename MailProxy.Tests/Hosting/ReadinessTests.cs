using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

/// <summary>What a service manager hears (sd_notify).</summary>
[TestFixture]
internal sealed class ReadinessTests
{
    [Test]
    public async Task Notify_UnderAServiceManager_ReadyOnceRequestsAreTakenAndStoppingAtTheEnd()
    {
        using var directory = new TempDirectory();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        var path = Path.Combine(directory, "notify");
        socket.Bind(new UnixDomainSocketEndPoint(path));
        var url = $"http://127.0.0.1:{FreePort.Take()}";

        using var manager = Start(directory, path, url);
        try
        {
            var output = manager.StandardError.ReadToEndAsync();
            var pid = await manager.StandardOutput.ReadLineAsync().WaitAsync(TestDaemon.Deadline);
            await HeardAsync(socket, "READY=1");
            using (var http = new HttpClient())
            using (var answer = await http.GetAsync(url + "/health/ready").WaitAsync(TestDaemon.Deadline))
            {
                Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            }

            await Run.AsIsAsync("kill", "-TERM", pid!);
            await HeardAsync(socket, "STOPPING=1");
            await manager.WaitForExitAsync().WaitAsync(TestDaemon.Deadline);
            Assert.That(manager.ExitCode, Is.Zero, await output);

            // At level Warning a good start and a good end say nothing.
            Assert.That(await manager.StandardOutput.ReadToEndAsync() + await output, Is.Empty);
        }
        finally
        {
            if (!manager.HasExited)
                manager.Kill(entireProcessTree: true);
        }
    }

    // The library looks whether its parent is called systemd. The shell goes by that name here, and hands the exit code on.
    private static Process Start(string directory, string socket, string url)
    {
        var shell = Path.Combine(directory, "systemd");
        File.CreateSymbolicLink(shell, "/bin/bash");
        var info = Run.Info(shell, "-c", "dotnet \"$0\" & echo $!; wait $!", Path.Combine(AppContext.BaseDirectory, "mailproxy.dll"));
        info.Environment["NOTIFY_SOCKET"] = socket;
        info.Environment["MAILPROXY_DATA"] = Path.Combine(directory, "data");
        info.Environment["MAILPROXY_URLS"] = url;
        info.Environment["MAILPROXY_LOG__LEVEL"] = "Warning";
        return Process.Start(info)!;
    }

    private static async Task HeardAsync(Socket socket, string message)
    {
        using var deadline = new CancellationTokenSource(TestDaemon.Deadline);
        var buffer = new byte[4096];
        while (true)
        {
            var length = await socket.ReceiveAsync(buffer, deadline.Token);
            if (Encoding.UTF8.GetString(buffer, 0, length).Split('\n').Contains(message))
                return;
        }
    }
}
