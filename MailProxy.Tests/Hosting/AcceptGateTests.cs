using System.Net;
using System.Net.Sockets;
using MailProxy.Daemon.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

[TestFixture]
internal sealed class AcceptGateTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Test]
    public async Task Close_WhoeverConnectsAfterwards_StaysInTheBacklog()
    {
        using var gate = Gate();
        var listener = await gate.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        var first = listener.AcceptAsync().AsTask();
        using var one = await ConnectAsync(listener.EndPoint);
        await using var accepted = await first.WaitAsync(Deadline);
        var second = listener.AcceptAsync().AsTask();
        await gate.CloseAsync().WaitAsync(Deadline);
        using var other = await ConnectAsync(listener.EndPoint);

        Assert.That(accepted, Is.Not.Null);
        Assert.That(second.IsCompleted, Is.False);
        await listener.UnbindAsync();
        Assert.That(await second.WaitAsync(Deadline), Is.Null);
    }

    [Test]
    public async Task NoneOpen_CompletesWhenTheLastConnectionIsClosed()
    {
        using var gate = Gate();
        var listener = await gate.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        Assert.That(gate.NoneOpenAsync().IsCompleted, Is.True);
        var first = listener.AcceptAsync().AsTask();
        var client = await ConnectAsync(listener.EndPoint);
        await using var accepted = await first.WaitAsync(Deadline);
        var none = gate.NoneOpenAsync();
        Assert.That(none.IsCompleted, Is.False);

        client.Dispose();
        await accepted!.Transport.Input.ReadAsync();
        await accepted.DisposeAsync();
        await none.WaitAsync(Deadline);
        await listener.UnbindAsync();
        await listener.DisposeAsync();
    }

    private static AcceptGate Gate() => new(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance);

    private static async Task<TcpClient> ConnectAsync(EndPoint address)
    {
        var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)address);
        return client;
    }
}
