using System.Net;

namespace MailProxy.Daemon.Cli.Doctor;

/// <summary>Looks names up in DNS.</summary>
internal interface INameLookup
{
    /// <summary>The texts of a name's TXT records, each whole; empty: there are none.</summary>
    /// <exception cref="NameLookupException">No server answers.</exception>
    Task<IReadOnlyList<string>> TextsAsync(string name, CancellationToken stop);

    /// <summary>The addresses of a name, of both kinds; empty: there are none.</summary>
    /// <exception cref="NameLookupException">No server answers.</exception>
    Task<IReadOnlyList<IPAddress>> AddressesAsync(string name, CancellationToken stop);
}

/// <summary>No name server could be asked, or it failed.</summary>
internal sealed class NameLookupException(string message, Exception? inner = null) : Exception(message, inner);
