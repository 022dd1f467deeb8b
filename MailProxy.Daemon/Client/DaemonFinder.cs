using System.Collections;
using System.Net.Sockets;
using MailProxy.Daemon.Hosting;

namespace MailProxy.Daemon.Client;

/// <summary>
/// Finds the daemon that a command is meant for: the one that is named, else the one of this machine, by its socket, else by the address
/// that its settings say.
/// </summary>
/// <param name="environment">Variables of the process.</param>
/// <param name="baseDirectory">Where the program is, whose appsettings.json is read first.</param>
internal sealed class DaemonFinder(IDictionary environment, string baseDirectory)
{
    public const string ServerVariable = "MAILPROXY_SERVER";

    private const string FormerVariable = "MAILPROXY_URL";

    /// <summary>The data directory of an installed daemon, which its unit names and a shell does not know.</summary>
    private const string InstalledData = "/var/lib/mailproxy";

    /// <param name="server">What <c>--server</c> says; null: nothing.</param>
    /// <param name="data">What <c>--data</c> says.</param>
    /// <param name="config">What <c>--config</c> says: a settings file.</param>
    /// <exception cref="DaemonException">What is said is wrong.</exception>
    public (DaemonAddress Address, DaemonSettings? Settings) Find(string? server, string? data, string? config)
    {
        var named = server ?? Variable(ServerVariable) ?? Variable(FormerVariable);
        if (named is null || (server is null && (data is not null || config is not null)))
            return FindLocal(data, config);
        var address =
            DaemonAddress.Parse(named)
            ?? throw new DaemonException(
                DaemonTrouble.Invalid,
                $"--server: '{OneLine.Quote(named)}' is not the address of a daemon. Write http://host:port, https://host, or unix:/path."
            );

        // The key of a data directory goes to a named server only where the directory is named too.
        if (data is null)
            return (address, null);
        return (address with { Data = Path.GetFullPath(data) }, Read(data, config).Settings);
    }

    /// <summary>
    /// The settings that a daemon started with these would have, or every reason why they are wrong; without a connection string where this
    /// user may not read it.
    /// </summary>
    public (DaemonSettings? Settings, IReadOnlyList<string> Mistakes) Read(string? data, string? config)
    {
        var variables = new Hashtable(environment);
        if (config is not null)
            variables[EnvironmentSettings.FileVariable] = config;
        return SettingsReader.Read(
            data is null ? [] : [$"--Data={Path.GetFullPath(data)}"],
            baseDirectory,
            SettingsReader.InstalledFile,
            variables,
            isClient: true
        );
    }

    private (DaemonAddress Address, DaemonSettings? Settings) FindLocal(string? data, string? config)
    {
        var (settings, mistakes) = Read(data, config);
        if (settings is null)
            throw new DaemonException(
                DaemonTrouble.Invalid,
                $"The settings by which a daemon of this machine is found are wrong: {mistakes[0]} Correct them, or name it by --server."
            );

        var addresses = DaemonAddress.Of(settings).ToList();
        var installed = Path.Combine(InstalledData, Path.GetFileName(settings.Socket));
        if (data is null && !Directory.Exists(settings.Data) && File.Exists(installed))
            addresses.Insert(0, DaemonAddress.OfSocket(installed, InstalledData));
        return addresses.Find(static one => one.Socket is { } path && Listens(path)) is { } socket ? (socket, settings)
            : addresses.Find(static one => one.Socket is null) is { } tcp ? (tcp, settings)
            : addresses is [var first, ..] ? (first, settings)
            : throw new DaemonException(
                DaemonTrouble.Invalid,
                "The settings name no address at which a daemon of this machine could be asked (port 0 is any). Name it by --server."
            );
    }

    private string? Variable(string name) => environment[name] is string { Length: > 0 } text ? text : null;

    private static bool Listens(string path)
    {
        if (!File.Exists(path))
            return false;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (Exception error) when (error is SocketException or ArgumentException)
        {
            return false; // left behind by a daemon that was killed, another user's, or no socket at all
        }
    }
}
