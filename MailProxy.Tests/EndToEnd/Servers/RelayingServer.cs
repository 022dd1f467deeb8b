using MailProxy.Tests.Support;

namespace MailProxy.Tests.EndToEnd.Servers;

/// <summary>A server that hands everything on to one that keeps the octets.</summary>
internal abstract class RelayingServer : RealServer
{
    private readonly ScriptedSmtpServer _target = new();

    protected RelayingServer() => _target.Extensions.Add("CHUNKING");

    /// <summary>Where it hands mail on to, on 127.0.0.1.</summary>
    protected int Target => _target.Port;

    public override IReadOnlyList<Arrival> Arrived() =>
        [.. _target.Taken.SelectMany(mail => mail.Accepted.Select(recipient => new Arrival(mail.Sender, recipient, mail.Data)))];

    public override ValueTask DisposeAsync() => _target.DisposeAsync();
}
