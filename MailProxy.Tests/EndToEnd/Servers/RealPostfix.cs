using MailProxy.Tests.Support;

namespace MailProxy.Tests.EndToEnd.Servers;

/// <summary>Postfix, with all that it has against clients that speak out of turn. Offers PIPELINING and CHUNKING.</summary>
internal sealed class RealPostfix : RelayingServer
{
    private PostfixInstance? _postfix;

    public override int Port => _postfix!.Port;

    private string Settings =>
        $$"""
            relayhost = [127.0.0.1]:{{Target}}
            smtpd_delay_reject = no
            smtpd_helo_required = yes
            strict_rfc821_envelopes = yes
            disable_vrfy_command = yes
            smtpd_forbid_unauth_pipelining = yes
            smtpd_forbid_bare_newline = reject
            smtpd_forbid_bare_newline_exclusions =
            smtpd_client_restrictions = reject_unauth_pipelining
            smtpd_helo_restrictions = reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname, reject_unauth_pipelining
            smtpd_sender_restrictions = reject_non_fqdn_sender, check_sender_access inline:{ {refused@x.test = 550 5.7.1 not you} }
            smtpd_recipient_restrictions = reject_non_fqdn_recipient, reject_unauth_pipelining,
              check_recipient_access inline:{ {refused@y.test = 550 5.1.1 who}, {refused@z.test = 550 5.1.1 who} },
              permit_mynetworks, reject
            smtpd_data_restrictions = reject_unauth_pipelining
            smtpd_end_of_data_restrictions = reject_unauth_pipelining
            smtpd_error_sleep_time = 0

            """;

    public override async ValueTask DisposeAsync()
    {
        if (_postfix is not null)
            await _postfix.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override async Task BeginAsync() => _postfix = await PostfixInstance.StartAsync(Settings);
}
