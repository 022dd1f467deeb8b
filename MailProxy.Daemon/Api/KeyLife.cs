using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Whether the key of a request is still good. It was when the request began; what waits or takes long asks again, so that a key that is
/// deleted or expires acts no longer there either.
/// </summary>
internal sealed class KeyLife(CurrentKeys keys, RefusedKeys refused, TimeProvider clock)
{
    public static readonly ProblemAnswer Unauthorized = ProblemAnswer.Of(
        401,
        "unauthorized",
        "Send a valid key: Authorization: Bearer <key>, or X-API-Token."
    );
    private static readonly ProblemAnswer Expired = ProblemAnswer.Of(401, "key_expired", "The key has expired.");

    /// <summary>Null: it may be used now.</summary>
    public ProblemAnswer? Fault(TenantKey key) =>
        key.ExpiresAt <= Now ? Expired
        : keys.Directory.Find(key.Hash) is null ? Unauthorized
        : null;

    /// <summary>Null: the request's key may still be used.</summary>
    public ProblemAnswer? Refusal(HttpContext http)
    {
        var caller = Caller.Of(http);
        if (caller.Key is not { } key || Fault(key) is not { } fault)
            return null;
        refused.Note(http, caller.Actor, fault.Problem.Code);
        Challenge(http);
        return fault;
    }

    /// <summary>Tells when the request's key is over, while the request waits.</summary>
    public KeyWatch Watch(HttpContext http) => new(this, keys, Caller.Of(http).Key, Now, clock);

    public static void Challenge(HttpContext http) => http.Response.Headers.WWWAuthenticate = "Bearer realm=\"mailproxy\"";

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>Cancelled when a key is deleted or expires.</summary>
internal sealed class KeyWatch : IDisposable
{
    // Timers know no longer times, and no request lasts so long.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    private readonly KeyLife _life;
    private readonly CurrentKeys _keys;
    private readonly TenantKey? _key;
    private readonly CancellationTokenSource _over;

    /// <param name="key">Null: the admin key, which is never over.</param>
    public KeyWatch(KeyLife life, CurrentKeys keys, TenantKey? key, long now, TimeProvider clock)
    {
        (_life, _keys, _key) = (life, keys, key);
        _over =
            key?.ExpiresAt is { } end && TimeSpan.FromMilliseconds(Math.Max(0, end - now)) is var left && left < Longest
                ? new(left, clock)
                : new();
        Over = _over.Token;
        if (key is null)
            return;
        keys.Changed += Look;
        Look(); // it may have been deleted before we looked
    }

    public CancellationToken Over { get; }

    public void Dispose()
    {
        _keys.Changed -= Look;
        _over.Dispose();
    }

    // Who changes the keys must not run what waits here.
    private void Look()
    {
        if (_life.Fault(_key!) is null)
            return;
        try
        {
            _ = _over.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // The request ended while the keys changed.
        }
    }
}
