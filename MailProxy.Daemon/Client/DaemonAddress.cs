using System.Net;
using MailProxy.Daemon.Hosting;

namespace MailProxy.Daemon.Client;

/// <summary>Where a daemon is asked.</summary>
/// <param name="Base">Its HTTP address; over a socket a name that nobody looks up.</param>
/// <param name="Socket">The path of its Unix socket; null: TCP.</param>
/// <param name="Data">The data directory by which it was found, whose admin key is meant for it; null: it was named.</param>
internal sealed record DaemonAddress(Uri Base, string? Socket, string? Data)
{
    private const string SocketPrefix = "unix:";

    private static readonly Uri OverSocket = new("http://localhost/");

    /// <summary>How people are told of it.</summary>
    public string Shown => Socket is null ? Base.ToString().TrimEnd('/') : SocketPrefix + Socket;

    public static DaemonAddress OfSocket(string path, string? data) => new(OverSocket, path, data);

    /// <summary>What somebody names: <c>http://host:port</c>, <c>https://…</c>, or <c>unix:/path</c>; null: neither.</summary>
    public static DaemonAddress? Parse(string text)
    {
        if (text.StartsWith(SocketPrefix, StringComparison.Ordinal) || text.StartsWith('/'))
            return OfSocket(text[(text.StartsWith('/') ? 0 : SocketPrefix.Length)..], null);
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0
            ? new(new(url.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/"), null, null)
            : null;
    }

    /// <summary>The addresses at which a daemon of this machine with these settings can be asked, the first the best.</summary>
    public static IEnumerable<DaemonAddress> Of(DaemonSettings settings)
    {
        if (LocalSocket.PathOf(settings) is { } own)
            yield return OfSocket(own, settings.Data);
        foreach (var path in UnixSockets.Paths(settings.Urls))
            yield return OfSocket(path, settings.Data);
        foreach (var url in ListenAddressesAttribute.Split(settings.Urls).Select(BindingAddress.Parse))
        {
            if (!url.IsUnixPipe && url.Port > 0)
                yield return new(new($"http://{Reachable(url.Host)}:{url.Port}/"), null, settings.Data);
        }
    }

    // Every address is listened on: the loopback one is among them.
    private static string Reachable(string host) =>
        host is "*" or "+" ? "127.0.0.1"
        : IPAddress.TryParse(host.Trim('[', ']'), out var address) && address.Equals(IPAddress.Any) ? "127.0.0.1"
        : IPAddress.IPv6Any.Equals(address) ? "[::1]"
        : host;
}
