using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace MailProxy.Benchmarks.Support;

/// <summary>
/// A loopback TCP proxy that brings every octet half a round trip later, in order, with all the bandwidth there is. Opening a connection
/// takes no time. One thread sleeps until the oldest octets are due; timers of .NET count whole milliseconds, which would be a tenth of the
/// shortest link.
/// </summary>
internal sealed class DelayingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly TimeSpan _oneWay;
    private readonly int _target;
    private readonly Thread _delay;
    private readonly Task _accepting;

    // All that is under way, in the order in which it is due, since the delay is the same for all. A full one makes senders wait.
    private readonly Channel<Parcel> _underWay = Channel.CreateBounded<Parcel>(16_384);

    public DelayingProxy(int target, TimeSpan roundTrip)
    {
        (_target, _oneWay) = (target, roundTrip / 2);
        _listener.Start();
        _delay = new(Deliver) { IsBackground = true, Name = "delay" };
        _delay.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _underWay.Writer.TryComplete();
        _delay.Join();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var links = new List<Task>();
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                links.RemoveAll(static link => link.IsCompleted);
                links.Add(LinkAsync(client));
            }
        }
        catch (Exception error) when (_stop.IsCancellationRequested && error is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(links);
        }
    }

    private async Task LinkAsync(Socket client)
    {
        using var near = client;
        using var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
        near.NoDelay = far.NoDelay = true;
        try
        {
            await far.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
            await Task.WhenAll(CarryAsync(near, far), CarryAsync(far, near));

            async Task OrEndAsync(Task half)
            {
                try
                {
                    await half;
                }
                catch
                {
                    near.Dispose();
                    far.Dispose();
                    throw;
                }
            }

            async Task CarryAsync(Socket from, Socket to)
            {
                // What has arrived; whoever reads it writes at once. A receiver that lets this fill up loses its connection.
                var arrived = Channel.CreateBounded<byte[]>(4_096);
                await Task.WhenAll(OrEndAsync(ReadAsync(from, arrived.Writer)), OrEndAsync(WriteAsync(arrived.Reader, to)));
            }
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One end is gone without a word, and so goes the other.
        }
    }

    private async Task ReadAsync(Socket from, ChannelWriter<byte[]> to)
    {
        var buffer = new byte[64 * 1024];
        int read;
        do
        {
            read = await from.ReceiveAsync(buffer, _stop.Token);
            var due = Stopwatch.GetTimestamp() + (long)(_oneWay.TotalSeconds * Stopwatch.Frequency);
            await _underWay.Writer.WriteAsync(new(due, buffer.AsSpan(0, read).ToArray(), to), _stop.Token);
        } while (read > 0);
    }

    private async Task WriteAsync(ChannelReader<byte[]> arrived, Socket to)
    {
        await foreach (var octets in arrived.ReadAllAsync(_stop.Token))
        {
            for (var sent = 0; sent < octets.Length; )
                sent += await to.SendAsync(octets.AsMemory(sent), _stop.Token);
        }

        to.Shutdown(SocketShutdown.Send);
    }

    private void Deliver()
    {
        while (_underWay.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (_underWay.Reader.TryRead(out var parcel))
            {
                SleepUntil(parcel.Due);
                if (parcel.Octets.Length == 0)
                    parcel.To.TryComplete();
                else if (!parcel.To.TryWrite(parcel.Octets))
                    parcel.To.TryComplete(new IOException("The receiver reads too slowly for this proxy."));
            }
        }
    }

    private static void SleepUntil(long due)
    {
        while (due - Stopwatch.GetTimestamp() is > 0 and var left)
        {
            var time = new TimeSpec(left / Stopwatch.Frequency, left % Stopwatch.Frequency * (1_000_000_000 / Stopwatch.Frequency));
            _ = NanoSleep(in time, IntPtr.Zero);
        }
    }

    [DllImport("libc", EntryPoint = "nanosleep", SetLastError = true)]
    private static extern int NanoSleep(in TimeSpec time, IntPtr left);

    private readonly record struct TimeSpec(nint Seconds, nint Nanoseconds)
    {
        public TimeSpec(long seconds, long nanoseconds)
            : this((nint)seconds, (nint)nanoseconds) { }
    }

    /// <param name="Octets">None: the sender has closed its side.</param>
    private readonly record struct Parcel(long Due, byte[] Octets, ChannelWriter<byte[]> To);
}
