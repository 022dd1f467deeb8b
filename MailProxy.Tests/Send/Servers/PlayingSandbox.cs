using MailProxy.Daemon.Sandbox;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailProxy.Tests.Send.Servers;

/// <summary>The daemon's own sandbox: the recipient's address says how it answers.</summary>
internal sealed class PlayingSandbox : PlayingServer
{
    private SandboxServer? _server;

    public override async Task<Stage> PlayAsync(string phase, string reply)
    {
        if (_server is null)
        {
            _server = new(new SandboxMailbox(new()), new(), TimeProvider.System, NullLogger<SandboxServer>.Instance);
            await _server.StartAsync();
        }

        return new(_server.EndPoint!.Port, "a@x.test", Local(phase, reply) + "@y.test");
    }

    public override async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
    }

    private static string Local(string phase, string reply) =>
        (phase, reply) switch
        {
            (_, Ordinary) => "bob",
            ("RCPT", "550") => "perm",
            ("RCPT", "451") => "temp",
            ("RCPT", "421") => "busy",
            ("RCPT", "530") => "auth",
            ("RCPT", Drop) => "hangup",
            ("DOT", "554") => "spam",
            ("DOT", "451") => "defer",
            ("DOT", Drop) => "drop",
            _ => throw new ArgumentOutOfRangeException(nameof(phase), $"{phase} {reply}", null),
        };
}
