using System.Security.Cryptography;
using System.Text;
using MailProxy.Daemon.Api;

namespace MailProxy.Daemon.Genro;

/// <summary>The operator's token. Only its SHA-256 is kept in memory, and it is compared in constant time.</summary>
internal sealed class GenroToken(GenroOptions options, AdminKey admin)
{
    private readonly byte[]? _hash = string.IsNullOrEmpty(options.AdminToken)
        ? null
        : SHA256.HashData(Encoding.UTF8.GetBytes(options.AdminToken));

    /// <param name="hash">SHA-256 of what was offered.</param>
    public bool Matches(ReadOnlySpan<byte> hash) =>
        _hash is { } own ? CryptographicOperations.FixedTimeEquals(hash, own) : admin.Matches(hash);

    /// <summary>SHA-256 of a request's token, octet by octet as it came (its header is read as Latin-1); null: there is none.</summary>
    public static byte[]? Offered(HttpRequest request) =>
        request.Headers["X-API-Token"] is [{ Length: > 0 } token] ? SHA256.HashData(Encoding.Latin1.GetBytes(token)) : null;
}
