using System.Net;
using System.Net.Sockets;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

/// <summary>Addresses that HTTP listens on.</summary>
[TestFixture]
[Platform(Exclude = "Win")]
internal sealed class ListenTests
{
    private TempDirectory _directory = null!;

    private string SocketPath => Path.Combine(_directory, "x.sock");

    [SetUp]
    public void SetUp() => _directory = new();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [TestCase("http://localhost:0")]
    [TestCase("http://*:0")]
    [TestCase("http://[::1]:0;http://127.0.0.1:0")]
    public async Task Port_Zero_IsAnyFreeOne(string urls)
    {
        await using var daemon = await TestDaemon.StartAsync(_directory, ("Urls", urls));
        Assert.That(new Uri(daemon.Url.Replace("[::]", "localhost")).Port, Is.GreaterThan(0));
        using var http = new HttpClient();
        Assert.That(await http.GetStringAsync(daemon.Url.Replace("[::]", "localhost") + "/health/live"), Does.Contain("ok"));
        await daemon.StopAsync();
    }

    [Test]
    public async Task Socket_LeftByAProcessThatWasKilled_IsRemoved()
    {
        await using (
            var killed = DaemonProcess.Start(Path.Combine(_directory, "a"), ("URLS", $"http://unix:{SocketPath};http://127.0.0.1:0"))
        )
        {
            await killed.ListeningAsync();
            await killed.SignalAsync("KILL");
            await killed.ExitAsync();
        }

        Assert.That(File.Exists(SocketPath), "it is left behind");
        await using var daemon = DaemonProcess.Start(
            Path.Combine(_directory, "a"),
            ("URLS", $"http://unix:{SocketPath};http://127.0.0.1:0")
        );
        await daemon.ListeningAsync();
        Assert.That(await StatusAsync(), Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Socket_ThatAnotherProcessListensOn_IsLeftAlone()
    {
        await using var first = DaemonProcess.Start(
            Path.Combine(_directory, "a"),
            ("URLS", $"http://unix:{SocketPath};http://127.0.0.1:0")
        );
        await first.ListeningAsync();
        await using var second = DaemonProcess.Start(Path.Combine(_directory, "b"), ("URLS", $"http://unix:{SocketPath}"));
        Assert.That(await second.ExitAsync(), Is.EqualTo(1), second.Output);
        Assert.That(second.Output, Does.Contain("another process listens on it"));
        Assert.That(await StatusAsync(), Is.EqualTo(HttpStatusCode.OK));
    }

    private async Task<HttpStatusCode> StatusAsync()
    {
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var http = new HttpClient(handler);
        using var answer = await http.GetAsync("http://daemon.test/health/live");
        return answer.StatusCode;
    }
}
