using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace MailProxy.Tests.Support;

/// <summary>Exceptions of every kind that input, a peer or a stored row may bring about.</summary>
internal static class Faults
{
    public static IReadOnlyList<Exception> All =>
        [
            new InvalidOperationException("Misused header name."),
            new UriFormatException("Invalid URI: The hostname could not be parsed."),
            new FormatException("The input string was not in a correct format."),
            new ObjectDisposedException("something"),
            new OutOfMemoryException("Array dimensions exceeded supported range."),
            new SqliteException("malformed JSON", 1),
            new JsonException("Not JSON."),
            new CryptographicException("The authentication tag does not match."),
            new OverflowException("Value was too large."),
            new NullReferenceException("Object reference not set."),
            new IOException("Input/output error"),
            new SocketException((int)SocketError.HostUnreachable),
            new OperationCanceledException("Nobody asked for it."),
            new TimeoutException("Too late."),
        ];
}
