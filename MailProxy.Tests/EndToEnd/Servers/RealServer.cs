namespace MailProxy.Tests.EndToEnd.Servers;

/// <summary>A mail for one recipient that came through a server.</summary>
/// <param name="Data">Its octets with CRLF, behind what servers on the way put before them.</param>
internal sealed record Arrival(string Sender, string Recipient, byte[] Data);

/// <summary>
/// A mail server that others wrote, run as its packages have it, and what has come in through it. Those that know addresses refuse a sender
/// and recipients with the local part <c>refused</c>.
/// </summary>
internal abstract class RealServer : IAsyncDisposable
{
    /// <summary>Where it takes mail, on 127.0.0.1, without TLS and authentication.</summary>
    public abstract int Port { get; }

    /// <summary>Whether it takes mail from this sender.</summary>
    public virtual bool TakesFrom(string sender) => !IsRefused(sender);

    /// <summary>Whether it takes mail for this recipient.</summary>
    public virtual bool TakesFor(string recipient) => !IsRefused(recipient);

    public static async Task<RealServer> StartAsync(string name)
    {
        RealServer server = name switch
        {
            "smtp-sink" => new RealSink(refuses: false),
            "smtp-sink that refuses" => new RealSink(refuses: true),
            "postfix" => new RealPostfix(),
            "exim" => new RealExim(),
            "aiosmtpd" => new RealAiosmtpd(),
            "opensmtpd" => new RealOpenSmtpd(),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
        };
        try
        {
            await server.BeginAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>All that has arrived so far.</summary>
    public abstract IReadOnlyList<Arrival> Arrived();

    public abstract ValueTask DisposeAsync();

    protected abstract Task BeginAsync();

    private static bool IsRefused(string address) => address.StartsWith("refused@", StringComparison.Ordinal);
}
