using System.Net.Sockets;
using MailProxy.Pipeline.Disk;
using Microsoft.AspNetCore.Connections;
using Microsoft.Data.Sqlite;

namespace MailProxy.Daemon.Hosting;

/// <summary>Describes in one line why a start failed. Pure.</summary>
internal static class StartFailure
{
    public static string Describe(Exception failure, string urls) =>
        failure switch
        {
            StartRefusedException or StoreRefusedException => OneLine.Of(failure),
            StoreUnavailableException => $"The start failed. {OneLine.Of(failure)}",
            AggregateException { InnerExceptions: [var first, ..] } => Describe(first, urls),
            SocketException refused => $"Cannot listen on {urls}: {OneLine.Of(refused)}",
            _ when IsAddressInUse(failure) =>
                $"Cannot listen on {urls}: the port is in use already. Set another by --urls or MAILPROXY_URLS.",
            SqliteException trouble => $"The start failed: the store answered with {OneLine.Of(trouble)}",
            IOException or UnauthorizedAccessException or InvalidOperationException => $"The start failed: {OneLine.Of(failure)}",
            _ => $"The start failed: {failure.GetType().Name}: {OneLine.Of(failure)}",
        };

    // Kestrel wraps the exception once per address, and once more for localhost, which has two.
    private static bool IsAddressInUse(Exception? failure) =>
        failure switch
        {
            null => false,
            AddressInUseException => true,
            AggregateException several => several.InnerExceptions.Any(IsAddressInUse),
            _ => IsAddressInUse(failure.InnerException),
        };
}
