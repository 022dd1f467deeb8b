using System.Net;
using System.Net.Sockets;

namespace MailProxy.Pipeline.Network;

/// <summary>Opens outgoing connections under the network policy: a name is looked up once, each address is checked, and the connection goes to the very address that was checked.</summary>
public sealed class Dialer(NetworkPolicy policy, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
{
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve = resolve ?? NameLookup.AddressesAsync;

    /// <summary>A connected socket. Throws <see cref="AddressRefusedException"/> when no address may be reached, <see cref="SocketException"/> when none answers.</summary>
    public async Task<Socket> ConnectAsync(string host, int port, CancellationToken cancel)
    {
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await _resolve(host, cancel);
        SocketException? last = null;
        foreach (var address in addresses.Where(policy.Allows))
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, port), cancel);
                return socket;
            }
            catch (SocketException unreachable)
            {
                last = unreachable;
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw last ?? (Exception)new AddressRefusedException(host);
    }

    /// <summary>An HTTP client for addresses that strangers chose: no proxy, no redirects, no cookies, no decompression, no trace headers.</summary>
    public HttpMessageInvoker HttpClient() => new(Handler());

    /// <summary>The same, for a library that builds its own client around a handler.</summary>
    public SocketsHttpHandler Handler() => new()
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5), // a changed name is followed
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        MaxResponseHeadersLength = 32, // KB
        ConnectCallback = async (context, cancel) =>
            new NetworkStream(await ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancel), ownsSocket: true),
    };
}
