using MailProxy.Tests.Support;

namespace MailProxy.Tests.EndToEnd.Servers;

/// <summary>Exim, which hangs up on clients that speak out of turn. Offers PIPELINING and CHUNKING.</summary>
internal sealed class RealExim : RelayingServer
{
    private UnpackedMta? _exim;

    public override int Port { get; } = FreePort.Take();

    private string Settings =>
        $"""
            exim_path = {UnpackedMta.Programs}/usr/sbin/exim4
            primary_hostname = exim.test
            spool_directory = /var/spool/exim
            log_file_path = /var/spool/exim/log/%slog
            local_interfaces = <; 127.0.0.1.{Port}
            tls_advertise_hosts =
            chunking_advertise_hosts = *
            smtp_enforce_sync = true
            host_lookup =
            rfc1413_hosts =
            message_size_limit = 64M
            smtp_accept_max = 0
            smtp_accept_queue_per_connection = 0
            acl_smtp_mail = mail
            acl_smtp_rcpt = rcpt
            acl_smtp_data = data
            begin acl
            mail:
              deny senders = refused@x.test
              accept
            rcpt:
              deny local_parts = refused
              accept
            data:
              accept
            begin routers
            target:
              driver = manualroute
              route_list = * 127.0.0.1
              self = send
              transport = target
            begin transports
            target:
              driver = smtp
              port = {Target}
              allow_localhost
              hosts_avoid_tls = *
            begin retry
            * * F,1h,1s

            """;

    public override async ValueTask DisposeAsync()
    {
        if (_exim is not null)
            await _exim.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override async Task BeginAsync() =>
        _exim = await UnpackedMta.StartAsync(Port, Settings, "/usr/sbin/exim4", "-C", UnpackedMta.Configuration, "-bdf", "-q1s");
}
