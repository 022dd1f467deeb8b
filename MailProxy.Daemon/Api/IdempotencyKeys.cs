using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace MailProxy.Daemon.Api;

/// <summary>Keys of requests that are being answered right now. What was answered is in the store.</summary>
internal sealed class IdempotencyKeys
{
    public const string Header = "Idempotency-Key";
    public const string ReplayedHeader = "Idempotent-Replayed";

    public static readonly ProblemAnswer InProgress = ProblemAnswer.Of(
        409,
        "idempotency_in_progress",
        "A request with this Idempotency-Key is still being answered."
    );
    public static readonly ProblemAnswer Reused = ProblemAnswer.Of(
        422,
        "idempotency_key_reused",
        "This Idempotency-Key was used before with another request."
    );
    public static readonly ProblemAnswer NotForNdjson = ProblemAnswer.Of(
        422,
        "idempotency_not_supported",
        "NDJSON is committed in chunks and takes no Idempotency-Key; give each message its own id."
    );
    private static readonly ProblemAnswer Invalid = ProblemAnswer.Of(
        422,
        "invalid_idempotency_key",
        "An Idempotency-Key is one header of 1 to 256 printable ASCII characters."
    );

    private readonly ConcurrentDictionary<(string Tenant, string Key), bool> _busy = new();

    /// <summary>The request's key or null; a refusal when it is not one.</summary>
    public static ProblemAnswer? Read(HttpRequest request, out string? key)
    {
        key = null;
        var given = request.Headers[Header];
        if (given.Count == 0)
            return null;
        key = given[0];
        return given.Count == 1 && key is { Length: >= 1 and <= 256 } && !key.AsSpan().ContainsAnyExceptInRange(' ', '~') ? null : Invalid;
    }

    /// <summary>Which request this is: SHA-256 of method, path and raw bytes. The bytes are to be added.</summary>
    public static IncrementalHash Fingerprint(HttpRequest request)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Method}\n{request.Path}\n"));
        return hash;
    }

    /// <summary>Null while another request holds the key; else it is held until disposed.</summary>
    public IDisposable? TryHold(string tenant, string key) => _busy.TryAdd((tenant, key), true) ? new Hold(this, (tenant, key)) : null;

    private sealed class Hold(IdempotencyKeys keys, (string, string) key) : IDisposable
    {
        public void Dispose() => keys._busy.TryRemove(key, out _);
    }
}
