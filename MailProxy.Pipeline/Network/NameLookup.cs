using System.Net;

namespace MailProxy.Pipeline.Network;

/// <summary>
/// Looks up the addresses of names. The system's resolver blocks its thread, for half a minute when a name's servers do not answer: so each
/// lookup has a thread of its own, and takes none of the few that everything else runs on. Bounded by those who ask, who are few by share.
/// </summary>
internal static class NameLookup
{
    /// <summary>Throws <see cref="System.Net.Sockets.SocketException"/> when there are none.</summary>
    public static Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancel) =>
        AddressesAsync(host, Dns.GetHostAddresses, cancel);

    internal static Task<IPAddress[]> AddressesAsync(string host, Func<string, IPAddress[]> lookUp, CancellationToken cancel) =>
        Task.Factory.StartNew(() => lookUp(host), cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(cancel);
}
