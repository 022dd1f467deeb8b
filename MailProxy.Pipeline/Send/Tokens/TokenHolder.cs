using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Send.Tokens;

/// <summary>One account's token: asked for once for all its connections, ahead of its end, and after failures not at once again. From any
/// thread.</summary>
/// <param name="ask">Asks for a token; throws <see cref="TokenException"/>.</param>
internal sealed class TokenHolder(Func<SmtpAccount, Task<TokenAnswer>> ask, TimeProvider clock, Func<double> chance)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1),
        LongestOwn = TimeSpan.FromMinutes(1),
        LongestNamed = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private (OAuthLogin Login, string? User)? _asked;
    private AccessToken? _current;
    private Task<AccessToken>? _refresh;
    private Task _running = Task.CompletedTask;
    private TokenException? _failure;
    private int _failures;
    private long _failedAt;
    private TimeSpan _pause;

    /// <summary>A token that serves, and whether it was granted while the caller waited.</summary>
    /// <param name="refused">A token that the SMTP server refused: not that one.</param>
    /// <param name="anew">A person tries: not one that is there, and no pause is kept.</param>
    /// <exception cref="TokenException">None can be had, or none is asked for yet.</exception>
    public async Task<(AccessToken Token, bool IsFresh)> GetAsync(
        SmtpAccount account,
        AccessToken? refused,
        bool anew,
        CancellationToken abort
    )
    {
        Task<AccessToken> refresh;
        lock (_gate)
        {
            Learn(account);
            if (refused is not null && ReferenceEquals(_current, refused))
                _current = null;
            if (!anew && _current is { } token && !token.IsOver(clock))
            {
                if (token.IsDue(clock) && _refresh is null && Pause <= TimeSpan.Zero)
                    Begin(account);
                return (token, refused is not null);
            }

            if (!anew && _refresh is null && _failure is { } last && Pause is var left && left > TimeSpan.Zero)
                throw new TokenException(last.Kind, last.Message) { RetryAfter = left };
            refresh = _refresh ?? Begin(account);
        }

        return (await refresh.WaitAsync(abort), true);
    }

    /// <summary>The SMTP server refused a token that was new: the next one is another.</summary>
    public void Drop(AccessToken refused)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_current, refused))
                _current = null;
        }
    }

    /// <summary>Whether a request is under way.</summary>
    public bool IsAsking
    {
        get
        {
            lock (_gate)
                return !_running.IsCompleted;
        }
    }

    private TimeSpan Pause => _failures == 0 ? TimeSpan.Zero : _pause - clock.GetElapsedTime(_failedAt);

    // What was granted to another login, or for another user, is of no use; and a person has changed something, so no pause is kept.
    private void Learn(SmtpAccount account)
    {
        var asked = (account.OAuth!, account.User);
        if (_asked == asked)
            return;
        (_asked, _current, _refresh, _failure, _failures) = (asked, null, null, null, 0);
    }

    private Task<AccessToken> Begin(SmtpAccount account)
    {
        var (before, asked) = (_running, _asked);
        var refresh = Task.Run(() => RefreshAsync(account, before, asked));
        _running = EndAsync(refresh);
        return _refresh = refresh;
    }

    // A failure that nobody waited for is no failure of the program.
    private static async Task EndAsync(Task refresh) => await refresh.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    // One at a time, also when the account was changed meanwhile: a server may take two uses of a refresh token for a theft.
    private async Task<AccessToken> RefreshAsync(SmtpAccount account, Task before, (OAuthLogin, string?)? asked)
    {
        await before;
        try
        {
            var answer = await ask(account);
            var token = new AccessToken(answer, clock.GetTimestamp(), chance());
            Note(asked, token, null);
            return token;
        }
        catch (TokenException error)
        {
            Note(asked, null, error);
            throw;
        }
    }

    private void Note((OAuthLogin, string?)? asked, AccessToken? token, TokenException? failure)
    {
        lock (_gate)
        {
            if (_asked != asked)
                return;
            _refresh = null;
            if (failure is null)
            {
                (_current, _failure, _failures) = (token, null, 0);
                return;
            }

            (_failure, _failedAt) = (failure, clock.GetTimestamp());
            _pause = failure.RetryAfter is { } named
                ? TimeSpan.FromTicks(Math.Clamp(named.Ticks, Shortest.Ticks, LongestNamed.Ticks))
                : Own(_failures);
            _failures++;
        }
    }

    private TimeSpan Own(int before)
    {
        var wait = Shortest * Math.Pow(2, Math.Min(before, 10)) * (0.75 + (0.5 * chance()));
        return wait < LongestOwn ? wait : LongestOwn;
    }
}
