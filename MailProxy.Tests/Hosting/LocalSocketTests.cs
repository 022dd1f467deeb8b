using System.Net.Sockets;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

/// <summary>The socket by which programs of this machine find the daemon.</summary>
[TestFixture]
[Platform(Exclude = "Win")]
internal sealed class LocalSocketTests
{
    private TempDirectory _directory = null!;

    private string Data => Path.Combine(_directory, "data");

    private string SocketPath => Path.Combine(Data, "mailproxy.sock");

    [SetUp]
    public void SetUp() => _directory = new();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [Test]
    public async Task Socket_OfADaemon_IsItsOwnersOnlyAndGoneWithIt()
    {
        await using (var daemon = await TestDaemon.StartAsync(Data))
        {
            Assert.That(new Uri(daemon.Url).Port, Is.GreaterThan(0), "the address of before comes first");
            if (!OperatingSystem.IsWindows())
                Assert.That(File.GetUnixFileMode(SocketPath), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
            Assert.That(await StatusAsync(SocketPath), Does.Contain("ok"));
            await daemon.StopAsync();
        }

        Assert.That(File.Exists(SocketPath), Is.False);
    }

    [Test]
    public async Task Socket_LeftByAProcessThatWasKilled_IsReplaced()
    {
        await using (var killed = DaemonProcess.Start(Data))
        {
            await killed.ListeningAsync();
            await killed.SignalAsync("KILL");
            await killed.ExitAsync();
        }

        Assert.That(File.Exists(SocketPath), "it is left behind");
        await using var daemon = await TestDaemon.StartAsync(Data);
        Assert.That(await StatusAsync(SocketPath), Does.Contain("ok"));
        await daemon.StopAsync();
    }

    [Test]
    public async Task Socket_Elsewhere_IsWhereTheSettingSays()
    {
        var path = Path.Combine(_directory, "x.sock");
        await using var daemon = await TestDaemon.StartAsync(Data, ("Socket", path));
        Assert.That(await StatusAsync(path), Does.Contain("ok"));
        Assert.That(File.Exists(SocketPath), Is.False);
        await daemon.StopAsync();
    }

    [Test]
    public async Task Socket_None_IsNone()
    {
        await using var daemon = await TestDaemon.StartAsync(Data, ("Socket", "none"));
        Assert.That(File.Exists(SocketPath), Is.False);
        await daemon.StopAsync();
    }

    [TestCase("/proc/x.sock", TestName = "Socket_InADirectoryThatTakesNone_IsOneLineOfTheLog")]
    [TestCase("no/such/x.sock", TestName = "Socket_InADirectoryThatIsNotThere_IsOneLineOfTheLog")]
    [TestCase("a:b.sock", TestName = "Socket_WithAColon_IsOneLineOfTheLog")]
    [TestCase(
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.sock",
        TestName = "Socket_WithALongPath_IsOneLineOfTheLog"
    )]
    [TestCase("admin.key", TestName = "Socket_WhereAFileIs_IsOneLineOfTheLogAndTheFileStays")]
    public async Task Socket_ThatCannotBeMade_DoesNotStopTheDaemon(string socket)
    {
        await using var daemon = DaemonProcess.Start(Data, ("SOCKET", socket), ("ADMIN_KEY", ""));
        await daemon.ListeningAsync();
        Assert.That(await daemon.StatusAsync("/health/live"), Is.EqualTo(System.Net.HttpStatusCode.OK));
        await daemon.SignalAsync("TERM");
        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);
        var lines = daemon.Output.Split('\n').Where(static line => line.Contains("(setting Socket)"));
        Assert.That(lines.Count(), Is.EqualTo(1), daemon.Output);
        Assert.That(await File.ReadAllTextAsync(Path.Combine(Data, "admin.key")), Does.StartWith("mpa_"));
    }

    private static async Task<string> StatusAsync(string path)
    {
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var http = new HttpClient(handler);
        return await http.GetStringAsync("http://daemon.test/health/live");
    }
}
