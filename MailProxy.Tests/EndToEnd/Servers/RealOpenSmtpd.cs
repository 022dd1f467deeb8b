using MailProxy.Tests.Support;

namespace MailProxy.Tests.EndToEnd.Servers;

/// <summary>OpenSMTPD, which offers neither PIPELINING nor CHUNKING.</summary>
internal sealed class RealOpenSmtpd : RelayingServer
{
    private UnpackedMta? _smtpd;

    public override int Port { get; } = FreePort.Take();

    private string Settings =>
        $$"""
            smtp max-message-size "64M"
            filter "senders" phase mail-from match mail-from { "refused@x.test" } reject "550 5.7.1 not you"
            filter "recipients" phase rcpt-to match rcpt-to { "refused@y.test", "refused@z.test" } reject "550 5.1.1 who"
            listen on 127.0.0.1 port {{Port}} hostname opensmtpd.test filter { "senders", "recipients" }
            action "target" relay host smtp://127.0.0.1:{{Target}}
            match from any for any action "target"

            """;

    public override async ValueTask DisposeAsync()
    {
        if (_smtpd is not null)
            await _smtpd.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override async Task BeginAsync() =>
        _smtpd = await UnpackedMta.StartAsync(Port, Settings, "/usr/sbin/smtpd", "-d", "-f", UnpackedMta.Configuration);
}
