using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailProxy.Pipeline.Network;

/// <summary>
/// Opens outgoing connections under the network policy: a name is looked up once, each address is checked, and the connection goes to
/// exactly the address that was checked.
/// </summary>
/// <param name="resolve">Looks up a name; null: the system's resolver.</param>
/// <param name="logger">Gets, at Debug, the addresses behind a refused name: only the operator may know them.</param>
public sealed partial class Dialer(
    NetworkPolicy policy,
    Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null,
    TimeProvider? clock = null,
    ILogger<Dialer>? logger = null
)
{
    /// <summary>The time for all attempts on a name's addresses together.</summary>
    private static readonly TimeSpan Together = AddressRace.Each + (AddressRace.Most * AddressRace.Stagger);

    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve = resolve ?? NameLookup.AddressesAsync;
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly ILogger _logger = logger ?? NullLogger<Dialer>.Instance;

    /// <summary>
    /// Returns a connected socket. Throws <see cref="AddressRefusedException"/> when no address is known or allowed, and
    /// <see cref="SocketException"/> when none answers.
    /// </summary>
    public async Task<Socket> ConnectAsync(string host, int port, CancellationToken cancel) =>
        await AddressRace.RunAsync(await AddressesAsync(host, cancel), port, _clock, cancel);

    /// <summary>The host's allowed addresses, at least one. Throws <see cref="AddressRefusedException"/>.</summary>
    public async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancel)
    {
        if (IPAddress.TryParse(host, out var literal))
            return policy.Allows(literal) ? [literal] : throw new AddressRefusedException(host);
        IPAddress[] all;
        try
        {
            all = await _resolve(host, cancel);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // The name is unknown, or has a form that cannot be looked up.
            Log.Unknown(_logger, host, error.Message);
            throw new AddressRefusedException(host, error);
        }

        IPAddress[] allowed = [.. all.Where(policy.Allows)];
        if (allowed.Length > 0)
            return allowed;
        Log.Inside(_logger, host, string.Join(", ", all.Take(AddressRace.Most).Select(address => address.ToString())));
        throw new AddressRefusedException(host);
    }

    /// <summary>
    /// An HTTP client for addresses that clients chose: no proxy, no redirects, no cookies, no decompression, no trace headers.
    /// </summary>
    public HttpMessageInvoker HttpClient() => new(Handler());

    /// <summary>The same as a handler, for a library that builds its own client.</summary>
    public SocketsHttpHandler Handler() =>
        new()
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectTimeout = Together + TimeSpan.FromSeconds(1),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5), // so that a changed DNS entry is followed
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            MaxResponseHeadersLength = 32, // KB
            MaxResponseDrainSize = 64 * 1024, // of an answer that was not read to the end
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = CertificateRefusedException.Judge },
            ConnectCallback = async (context, cancel) =>
                new NetworkStream(await ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancel), ownsSocket: true),
        };

    private static partial class Log
    {
        [LoggerMessage(900, LogLevel.Debug, "The host {Host} is unknown: {Reason}")]
        public static partial void Unknown(ILogger logger, string host, string reason);

        [LoggerMessage(901, LogLevel.Debug, "The host {Host} resolves to {Addresses}, none of which may be reached")]
        public static partial void Inside(ILogger logger, string host, string addresses);
    }
}
