using System.Net;
using System.Net.Sockets;
using MailProxy.Pipeline.Network;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Network;

public sealed class DialerTests
{
    private static readonly NetworkPolicy Loopback = new(new() { Allowed = ["127.0.0.1"] });

    [Test]
    public async Task Connect_NameThatLeadsInside_IsRefused()
    {
        await using var hook = await LoopbackWebhook.StartAsync();
        var dialer = new Dialer(new(new()), (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback, IPAddress.IPv6Loopback]));

        Assert.ThrowsAsync<AddressRefusedException>(() =>
            dialer.ConnectAsync("public.example", new Uri(hook.Url).Port, CancellationToken.None)
        );
    }

    [Test]
    public async Task Connect_NameThatLeadsInsideAndOutside_GoesOnlyWhereItMay()
    {
        await using var hook = await LoopbackWebhook.StartAsync();
        var port = new Uri(hook.Url).Port;
        var dialer = new Dialer(Loopback, (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("10.0.0.1"), IPAddress.Loopback]));

        using var socket = await dialer.ConnectAsync("mixed.example", port, CancellationToken.None);

        Assert.That(socket.RemoteEndPoint, Is.EqualTo(new IPEndPoint(IPAddress.Loopback, port)));
    }

    [Test]
    public async Task Connect_FirstAddressDead_TriesTheNext()
    {
        await using var hook = await LoopbackWebhook.StartAsync();
        var policy = new NetworkPolicy(new() { Allowed = ["127.0.0.0/8"] });
        var dialer = new Dialer(policy, (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.2"), IPAddress.Loopback]));

        using var socket = await dialer.ConnectAsync("two.example", new Uri(hook.Url).Port, CancellationToken.None);

        Assert.That(((IPEndPoint)socket.RemoteEndPoint!).Address, Is.EqualTo(IPAddress.Loopback));
    }

    [Test]
    public void Connect_NobodyListens_IsASocketError()
    {
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // bound but not listening: refused, and nobody else gets the port

        Assert.ThrowsAsync<SocketException>(() =>
            new Dialer(Loopback).ConnectAsync("127.0.0.1", ((IPEndPoint)closed.LocalEndPoint!).Port, CancellationToken.None)
        );
    }

    [TestCase("http://127.0.0.1:{0}/")]
    [TestCase("http://[::ffff:127.0.0.1]:{0}/")]
    [TestCase("http://2130706433:{0}/")]
    [TestCase("http://0x7f.1:{0}/")]
    public async Task HttpClient_LiteralInside_IsRefusedHoweverWritten(string url)
    {
        await using var hook = await LoopbackWebhook.StartAsync();
        using var http = new Dialer(new(new())).HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, string.Format(url, new Uri(hook.Url).Port));

        var refused = Assert.CatchAsync(() => http.SendAsync(request, CancellationToken.None))!;

        Assert.Multiple(() =>
        {
            Assert.That(refused as AddressRefusedException ?? refused.InnerException, Is.InstanceOf<AddressRefusedException>());
            Assert.That(hook.Hits, Is.Empty);
        });
    }
}
