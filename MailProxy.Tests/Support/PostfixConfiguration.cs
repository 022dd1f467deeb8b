namespace MailProxy.Tests.Support;

/// <summary>The least that makes Postfix relay from loopback to a sink, and retry soon.</summary>
internal static class PostfixConfiguration
{
    public static string MainCf(string root, int sinkPort) =>
        $"""
            compatibility_level = 3.6
            queue_directory = {root}/queue
            data_directory = {root}/data
            maillog_file = /dev/stdout
            maillog_file_prefixes = /dev/stdout
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            myhostname = postfix.test
            mydestination =
            mynetworks = 127.0.0.0/8
            relayhost = [127.0.0.1]:{sinkPort}
            local_transport = error:nothing is local here
            alias_maps =
            alias_database =
            biff = no
            message_size_limit = 67108864
            mailbox_size_limit = 0
            smtpd_relay_restrictions = permit_mynetworks, reject
            smtpd_client_connection_count_limit = 0
            smtpd_peername_lookup = no
            smtputf8_enable = yes
            in_flow_delay = 0
            queue_run_delay = 1s
            minimal_backoff_time = 1s
            maximal_backoff_time = 2s
            transport_retry_time = 1s
            default_destination_concurrency_failed_cohort_limit = 0

            """;

    public static string MasterCf(int port) =>
        $"""
            127.0.0.1:{port} inet n - n - - smtpd
            pickup unix n - n 60 1 pickup
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            flush unix n - n 1000 0 flush
            proxymap unix - - n - - proxymap
            smtp unix - - n - - smtp
            error unix - - n - - error
            retry unix - - n - - error
            showq unix n - n - - showq
            anvil unix - - n - 1 anvil
            scache unix - - n - 1 scache
            postlog unix-dgram n - n - 1 postlogd

            """;
}
