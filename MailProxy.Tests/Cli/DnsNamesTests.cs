using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MailProxy.Daemon.Cli.Doctor;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>Lookups at a name server on the loopback.</summary>
[TestFixture]
internal sealed class DnsNamesTests
{
    private const ushort Txt = 16;
    private const ushort A = 1;

    [Test]
    public async Task Texts_OfAName_AreWholeThoughTheyComeInParts()
    {
        using var server = new Server(
            (_, type) =>
                type == Txt
                    ?
                    [
                        [.. Part("v=spf1 "), .. Part("-all")],
                        [.. Part("other")],
                    ]
                    : []
        );
        var texts = await new DnsNames(server.Place).TextsAsync("example.test", default);
        Assert.That(texts, Is.EquivalentTo(new[] { "v=spf1 -all", "other" }));
    }

    [Test]
    public async Task Addresses_OfAName_AreFound()
    {
        using var server = new Server(
            (_, type) =>
                type == A
                    ?
                    [
                        [192, 0, 2, 7],
                    ]
                    : []
        );
        Assert.That(
            await new DnsNames(server.Place).AddressesAsync("example.test", default),
            Is.EqualTo(new[] { IPAddress.Parse("192.0.2.7") })
        );
    }

    [Test]
    public async Task Name_ThatThereIsNot_HasNothing()
    {
        using var server = new Server((_, _) => [], code: 3);
        Assert.That(await new DnsNames(server.Place).TextsAsync("example.test", default), Is.Empty);
    }

    [Test]
    public void Server_ThatFails_IsTold()
    {
        using var server = new Server((_, _) => [], code: 2);
        Assert.That(() => new DnsNames(server.Place).TextsAsync("example.test", default), Throws.InstanceOf<NameLookupException>());
    }

    private static byte[] Part(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    /// <summary>Answers each question by UDP (RFC 1035) with these records.</summary>
    private sealed class Server : IDisposable
    {
        private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
        private readonly Task _serving;

        public Server(Func<string, ushort, byte[][]> records, byte code = 0) => _serving = ServeAsync(records, code);

        public IPEndPoint Place => (IPEndPoint)_socket.Client.LocalEndPoint!;

        public void Dispose()
        {
            _socket.Dispose();
            _serving.ContinueWith(static _ => { }, TaskScheduler.Default);
        }

        private async Task ServeAsync(Func<string, ushort, byte[][]> records, byte code)
        {
            while (true)
            {
                UdpReceiveResult asked;
                try
                {
                    asked = await _socket.ReceiveAsync();
                }
                catch (Exception error) when (error is ObjectDisposedException or SocketException)
                {
                    return;
                }

                await _socket.SendAsync(Answer(asked.Buffer, records, code), asked.RemoteEndPoint);
            }
        }

        private static byte[] Answer(byte[] question, Func<string, ushort, byte[][]> records, byte code)
        {
            var (name, at) = (new StringBuilder(), 12);
            for (; question[at] != 0; at += question[at] + 1)
                name.Append(Encoding.ASCII.GetString(question, at + 1, question[at])).Append('.');
            var type = BinaryPrimitives.ReadUInt16BigEndian(question.AsSpan(at + 1));
            var found = records(name.ToString(), type);
            var end = at + 5;
            var answer = new List<byte>([question[0], question[1], 0x81, (byte)(0x80 | code), 0, 1, 0, (byte)found.Length, 0, 0, 0, 0]);
            answer.AddRange(question[12..end]);
            foreach (var record in found)
            {
                answer.AddRange([0xC0, 12, (byte)(type >> 8), (byte)type, 0, 1, 0, 0, 0, 60]);
                answer.AddRange([(byte)(record.Length >> 8), (byte)record.Length, .. record]);
            }

            return [.. answer];
        }
    }
}
