using System.Net;
using System.Net.Sockets;

namespace MailProxy.Pipeline.Network;

/// <summary>
/// Connects to whichever of several addresses answers first (RFC 8305): connection attempts start a little apart, so that an address that
/// does not answer delays none of the others.
/// </summary>
internal static class AddressRace
{
    /// <summary>The most addresses that are tried.</summary>
    public const int Most = 8;

    /// <summary>The delay between the starts of two attempts.</summary>
    public static readonly TimeSpan Stagger = TimeSpan.FromMilliseconds(250);

    /// <summary>Timeout of one attempt.</summary>
    public static readonly TimeSpan Each = TimeSpan.FromSeconds(10);

    /// <summary>Returns a connected socket. When no address answers, throws the error of the first: <see
    /// cref="SocketException"/>.</summary>
    public static async Task<Socket> RunAsync(IReadOnlyList<IPAddress> addresses, int port, TimeProvider clock, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var waiting = new Queue<IPAddress>(Turns(addresses).Take(Most));
        var running = new List<Task<Socket>>();
        Exception? first = null;
        try
        {
            while (waiting.Count + running.Count > 0)
            {
                if (waiting.TryDequeue(out var next))
                    running.Add(ConnectAsync(next, port, clock, over.Token));
                var ended = await FirstAsync(running, waiting.Count > 0, clock, over.Token);
                if (ended is null)
                    continue;
                running.Remove(ended);
                if (ended.IsCompletedSuccessfully)
                    return await ended;
                cancel.ThrowIfCancellationRequested();
                first ??= ended.Exception?.InnerException;
            }
        }
        finally
        {
            await over.CancelAsync();
            foreach (var loser in running)
                _ = CloseAsync(loser);
        }

        throw first ?? new SocketException((int)SocketError.HostNotFound);
    }

    /// <summary>Alternates the address families, beginning with the family of the first address.</summary>
    private static IEnumerable<IPAddress> Turns(IReadOnlyList<IPAddress> addresses)
    {
        var families = addresses.Distinct().GroupBy(address => address.AddressFamily).Select(family => family.ToArray()).ToArray();
        for (var i = 0; i < addresses.Count; i++)
        {
            foreach (var family in families.Where(family => i < family.Length))
                yield return family[i];
        }
    }

    /// <summary>The attempt that ended; null when the next one should start first.</summary>
    private static async Task<Task<Socket>?> FirstAsync(
        List<Task<Socket>> running,
        bool isNext,
        TimeProvider clock,
        CancellationToken cancel
    )
    {
        if (!isNext)
            return await Task.WhenAny(running);
        using var heard = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var ended = await Task.WhenAny([.. running, Task.Delay(Stagger, clock, heard.Token)]);
        await heard.CancelAsync();
        return ended as Task<Socket>;
    }

    private static async Task<Socket> ConnectAsync(IPAddress address, int port, TimeProvider clock, CancellationToken cancel)
    {
        using var late = new CancellationTokenSource(Each, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, late.Token);
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, port), either.Token);
            return socket;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            socket.Dispose();
            throw new SocketException((int)SocketError.TimedOut);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // The attempt may have connected at the same moment.
    private static async Task CloseAsync(Task<Socket> loser)
    {
        await ((Task)loser).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (loser.IsCompletedSuccessfully)
            (await loser).Dispose();
    }
}
