using System.Collections.Concurrent;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Send.Tokens;

/// <summary>The access tokens of all accounts that log in with them.</summary>
/// <param name="share">How tenants share the requests that are under way.</param>
public sealed partial class AccountTokens(
    HttpMessageInvoker http,
    IRefreshTokens refreshTokens,
    PipelineMetrics metrics,
    TimeProvider clock,
    Func<double> chance,
    ILogger logger,
    TenantShare? share = null
)
{
    // Requests under way, of all tenants together.
    private const int AtATime = 64;

    // What a signed assertion may be off, in seconds, before the clock is thought to be the cause of a refusal.
    private const long Tolerated = 60;

    // How long a refresh waits for that of another node, and how often it looks.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30),
        Pace = TimeSpan.FromMilliseconds(200);

    private readonly TokenEndpoint _endpoint = new(http, clock);
    private readonly SharedCapacity _asking = new(AtATime, share ?? TenantShare.Unlimited);
    private readonly ConcurrentDictionary<AccountKey, (TokenHolder Tokens, Memory Known)> _holders = new();

    /// <summary>What each tenant has of the requests under way.</summary>
    internal void ShowIn(TenantShares shares) => shares.Add("token_requests", _asking);

    /// <summary>A token for a new connection, and whether it was granted just now.</summary>
    /// <exception cref="TokenException">None can be had.</exception>
    internal Task<(AccessToken Token, bool IsFresh)> GetAsync(
        SmtpAccount account,
        AccessToken? refused,
        bool anew,
        CancellationToken abort
    ) => Of(account.Key).Tokens.GetAsync(account, refused, anew, abort);

    internal void Drop(AccountKey account, AccessToken refused) => Of(account).Tokens.Drop(refused);

    /// <summary>
    /// Lets go of what accounts had that are gone, or have a password now. One that is being asked for stays until a later call: else an
    /// account that logs in with tokens again meanwhile would use its refresh token twice at once.
    /// </summary>
    internal void Keep(AccountDirectory directory)
    {
        foreach (var (account, holder) in _holders)
        {
            if (directory.Find(account)?.OAuth is null && !holder.Tokens.IsAsking)
                _holders.TryRemove(account, out _);
        }
    }

    private (TokenHolder Tokens, Memory Known) Of(AccountKey account) =>
        _holders.GetOrAdd(
            account,
            _ =>
            {
                var known = new Memory();
                return (new(asked => AskAsync(asked, known), clock, chance), known);
            }
        );

    private async Task<TokenAnswer> AskAsync(SmtpAccount account, Memory known)
    {
        var result = "failed";
        try
        {
            using var turn = await _asking.TakeAsync(account.Tenant, 1, CancellationToken.None);
            var login = account.OAuth!;
            var answer = login.RefreshToken is { } given
                ? await RefreshAsync(account, login, given, known)
                : await GrantedAsync(account, login, null, known);
            result = "granted";
            Log.Granted(logger, account.ToString(), answer.Lasts);
            return answer;
        }
        catch (TokenException error)
        {
            result = error.Kind == TroubleKind.Authentication ? "refused" : "failed";
            Log.NotGranted(logger, account.ToString(), error.Kind, error.Message);
            throw;
        }
        catch (Exception error)
        {
            Log.Unforeseen(logger, account.ToString(), error);
            throw new TokenException(TroubleKind.Configuration, $"No token could be asked for ({error.GetType().Name}); see the log.");
        }
        finally
        {
            metrics.TokenRequests.Of(account.Label, result).Inc();
        }
    }

    private async Task<TokenAnswer> RefreshAsync(SmtpAccount account, OAuthLogin login, string given, Memory known)
    {
        await TakeTurnAsync(account);
        try
        {
            var refresh = await CurrentAsync(account, given, known);
            var answer = await GrantedAsync(account, login, refresh, known);
            if (answer.Refresh is { } next && next != refresh)
                await StoreAsync(account, given, next, known);
            return answer;
        }
        finally
        {
            // What could not be stored is known to this node only: others would use one that the server has ended.
            if (known.Unstored?.Given != given)
                await EndTurnAsync(account);
        }
    }

    private async Task TakeTurnAsync(SmtpAccount account)
    {
        var began = clock.GetTimestamp();
        try
        {
            while (!await refreshTokens.TryTakeTurnAsync(account.Key))
            {
                if (clock.GetElapsedTime(began) > LongestWait)
                    throw new TokenException(TroubleKind.Connect, "Another node has been asking for a token of this account for long.");
                await Task.Delay(Pace, clock);
            }
        }
        catch (Exception error) when (error is not TokenException)
        {
            throw new TokenException(TroubleKind.Connect, $"The turn to use the refresh token cannot be taken: {error.Message}");
        }
    }

    private async Task EndTurnAsync(SmtpAccount account)
    {
        try
        {
            await refreshTokens.EndTurnAsync(account.Key);
        }
        catch (Exception error)
        {
            // Others wait for a while, and take it then.
            Log.TurnKept(logger, account.ToString(), error.Message);
        }
    }

    // An assertion carries our time, and a server whose clock is another refuses it as it refuses a wrong one: its own time decides then.
    private async Task<TokenAnswer> GrantedAsync(SmtpAccount account, OAuthLogin login, string? refresh, Memory known)
    {
        Task<TokenAnswer> Ask()
        {
            var now = clock.GetUtcNow().ToUnixTimeSeconds() + known.Ahead;
            return _endpoint.AskAsync(
                login,
                TokenGrant.Form(login, account.User ?? "", refresh, now, Guid.NewGuid().ToString("N")),
                CancellationToken.None
            );
        }

        try
        {
            return await Ask();
        }
        catch (TokenException error) when (TokenGrant.IsSigned(login) && error.TheirTime is { } theirs && IsOff(theirs, known))
        {
            known.Ahead = theirs.ToUnixTimeSeconds() - clock.GetUtcNow().ToUnixTimeSeconds();
            Log.Clock(logger, account.ToString(), known.Ahead);
            return await Ask();
        }
    }

    private bool IsOff(DateTimeOffset theirs, Memory known) =>
        Math.Abs(theirs.ToUnixTimeSeconds() - clock.GetUtcNow().ToUnixTimeSeconds() - known.Ahead) > Tolerated;

    private async Task<string> CurrentAsync(SmtpAccount account, string given, Memory known)
    {
        if (known.Unstored is { } waiting && waiting.Given == given)
            await StoreAsync(account, given, waiting.Now, known);
        try
        {
            return await refreshTokens.FindAsync(account.Key, given) ?? given;
        }
        catch (Exception error)
        {
            throw new TokenException(TroubleKind.Connect, $"The refresh token cannot be read from the store: {error.Message}");
        }
    }

    // The server may have ended the former one: what it gave is on disk before anything comes of it.
    private async Task StoreAsync(SmtpAccount account, string given, string now, Memory known)
    {
        known.Unstored = (given, now);
        try
        {
            await refreshTokens.SaveAsync(account.Key, given, now);
        }
        catch (Exception error)
        {
            throw new TokenException(TroubleKind.Connect, $"The new refresh token cannot be stored: {error.Message}");
        }

        known.Unstored = null;
    }

    /// <summary>What is known of an account beside its token; used by one refresh at a time.</summary>
    private sealed class Memory
    {
        /// <summary>A refresh token that could not be stored yet.</summary>
        public (string Given, string Now)? Unstored { get; set; }

        /// <summary>How far the endpoint's clock is ahead of ours, in seconds.</summary>
        public long Ahead { get; set; }
    }

    private static partial class Log
    {
        [LoggerMessage(520, LogLevel.Debug, "Account {Account} was granted a token that lasts {Lasts}")]
        public static partial void Granted(ILogger logger, string account, TimeSpan lasts);

        [LoggerMessage(521, LogLevel.Information, "Account {Account} was granted no token ({Kind}): {Reason}")]
        public static partial void NotGranted(ILogger logger, string account, TroubleKind kind, string reason);

        [LoggerMessage(522, LogLevel.Error, "Asking for a token of account {Account} failed unexpectedly; its mail waits")]
        public static partial void Unforeseen(ILogger logger, string account, Exception error);

        [LoggerMessage(
            523,
            LogLevel.Warning,
            "The clock of the token endpoint of account {Account} is {Ahead} s ahead of this machine's; its time is used. Set the clock"
        )]
        public static partial void Clock(ILogger logger, string account, long ahead);

        [LoggerMessage(
            524,
            LogLevel.Warning,
            "The turn to use the refresh token of account {Account} could not be given back; other nodes wait for it: {Reason}"
        )]
        public static partial void TurnKept(ILogger logger, string account, string reason);
    }
}
