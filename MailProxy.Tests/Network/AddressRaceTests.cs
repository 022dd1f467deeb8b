using System.Net;
using System.Net.Sockets;
using MailProxy.Pipeline.Network;
using NUnit.Framework;

namespace MailProxy.Tests.Network;

public sealed class AddressRaceTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private static readonly NetworkPolicy Loopback = new(new() { Allowed = ["127.0.0.0/8", "::1"] });

    [Test]
    public async Task Connect_FirstAddressSwallowsEverything_TheNextIsTakenWithoutWaitingForIt()
    {
        using var good = Listen(IPAddress.Parse("127.0.0.3"), 0);
        var port = ((IPEndPoint)good.LocalEndPoint!).Port;
        using var mute = new Swallowing(IPAddress.Parse("127.0.0.2"), port);
        await mute.FillAsync();
        var dialer = new Dialer(
            Loopback,
            (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.3")])
        );

        using var socket = await dialer.ConnectAsync("hook.example", port, CancellationToken.None).WaitAsync(Deadline);

        Assert.That(socket.RemoteEndPoint, Is.EqualTo(new IPEndPoint(IPAddress.Parse("127.0.0.3"), port)));
    }

    [Test]
    public async Task Connect_ManyDead_EachIsTriedAndTheLivingOneIsTaken()
    {
        using var good = Listen(IPAddress.Parse("127.0.0.9"), 0);
        var port = ((IPEndPoint)good.LocalEndPoint!).Port;
        IPAddress[] all = [.. Enumerable.Range(3, 7).Select(i => IPAddress.Parse($"127.0.0.{i}"))];
        var dialer = new Dialer(Loopback, (_, _) => Task.FromResult(all));

        using var socket = await dialer.ConnectAsync("hook.example", port, CancellationToken.None).WaitAsync(Deadline);

        Assert.That(((IPEndPoint)socket.RemoteEndPoint!).Address, Is.EqualTo(all[^1]));
    }

    [Test]
    public void Connect_AllDead_SaysWhatTheFirstSaid()
    {
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Any, 0)); // bound but not listening
        var port = ((IPEndPoint)closed.LocalEndPoint!).Port;
        var dialer = new Dialer(
            Loopback,
            (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.3")])
        );

        var fault = Assert.ThrowsAsync<SocketException>(() =>
            dialer.ConnectAsync("hook.example", port, CancellationToken.None).WaitAsync(Deadline)
        )!;

        Assert.That(fault.SocketErrorCode, Is.EqualTo(SocketError.ConnectionRefused));
    }

    [Test]
    public async Task Connect_Cancelled_EndsAtOnce()
    {
        using var mute = new Swallowing(IPAddress.Parse("127.0.0.2"), 0);
        await mute.FillAsync();
        using var cancel = new CancellationTokenSource();
        var dialer = new Dialer(
            Loopback,
            (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.2")])
        );

        var connecting = dialer.ConnectAsync("hook.example", mute.Port, cancel.Token);
        await cancel.CancelAsync();

        Assert.That(async () => await connecting.WaitAsync(Deadline), Throws.InstanceOf<OperationCanceledException>());
    }

    private static Socket Listen(IPAddress address, int port)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(address, port));
        listener.Listen();
        return listener;
    }

    /// <summary>A listener whose queue is full: what comes now is never answered.</summary>
    private sealed class Swallowing : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly List<Socket> _queued = [];
        private readonly IPEndPoint _at;

        public Swallowing(IPAddress address, int port)
        {
            _listener.Bind(new IPEndPoint(address, port));
            _listener.Listen(0);
            _at = (IPEndPoint)_listener.LocalEndPoint!;
        }

        public int Port => _at.Port;

        public async Task FillAsync()
        {
            for (var i = 0; i < 16; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                _queued.Add(socket);
                using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
                try
                {
                    await socket.ConnectAsync(_at, deadline.Token);
                }
                catch (OperationCanceledException)
                {
                    return; // this one was swallowed, and so is the next
                }
            }

            Assert.Fail("The listener's queue never became full.");
        }

        public void Dispose()
        {
            foreach (var socket in _queued)
                socket.Dispose();
            _listener.Dispose();
        }
    }
}
