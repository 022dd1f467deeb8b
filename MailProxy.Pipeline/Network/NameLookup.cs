using System.Net;

namespace MailProxy.Pipeline.Network;

/// <summary>
/// Looks up the addresses of names. The system's resolver blocks its thread, for half a minute when the name servers do not answer.
/// Therefore each look-up has a thread of its own, and occupies none of the thread pool. The number of look-ups is limited by the tenants'
/// shares of what needs them.
/// </summary>
internal static class NameLookup
{
    /// <summary>Throws <see cref="System.Net.Sockets.SocketException"/> when the name has no addresses.</summary>
    public static Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancel) =>
        AddressesAsync(HostName.OnTheWire(host), Dns.GetHostAddresses, cancel);

    internal static Task<IPAddress[]> AddressesAsync(string host, Func<string, IPAddress[]> lookUp, CancellationToken cancel) =>
        Task.Factory.StartNew(() => lookUp(host), cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(cancel);
}
