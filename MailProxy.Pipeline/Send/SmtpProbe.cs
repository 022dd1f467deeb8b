using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Profiles;
using MailProxy.Pipeline.Send.Tokens;

namespace MailProxy.Pipeline.Send;

/// <summary>Connects to an account's server and logs in, outside the pool and without sending anything: the "test" of an account.</summary>
/// <param name="policy">As in the pool: for accounts that tenants set; null: public addresses only.</param>
/// <param name="profiles">What replies mean, so that the person is told what to do; null: the shipped ones.</param>
/// <param name="tokens">Of accounts that log in with them; null: those get no connection.</param>
public sealed class SmtpProbe(
    CurrentAccounts accounts,
    SendOptions options,
    TimeProvider clock,
    NetworkPolicy? policy = null,
    ProfileSet? profiles = null,
    AccountTokens? tokens = null
)
{
    /// <summary>A person waits for the answer, so it does not take the minutes that mail may take: all phases together, and some time
    /// for the answer itself below 10 s.</summary>
    public static readonly TimeSpan Whole = TimeSpan.FromSeconds(9);

    /// <summary>Never faults but when <paramref name="cancel"/> asks; what went wrong is in the result.</summary>
    public async Task<SmtpProbeResult> TryAsync(SmtpAccount account, CancellationToken cancel)
    {
        var asked = account is { Sandbox: false, User: not null } and ({ Password: not null } or { OAuth: not null });
        using var whole = new CancellationTokenSource(Whole, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(whole.Token, cancel);
        var began = clock.GetTimestamp();
        try
        {
            var server = Dialling.ServerOf(account, accounts.Directory, policy ?? NetworkPolicy.PublicOnly);
            var connection = await TokenLogin.OpenAsync(
                tokens,
                account,
                token =>
                    SmtpConnection.OpenAsync(account, server, options, clock, cancel, Whole - clock.GetElapsedTime(began), token: token),
                true,
                both.Token
            );
            SmtpProbeResult seen = new(connection.Tls, connection.Offers.Names, asked, null);

            // Nobody waits for the farewell.
            _ = connection.DisposeAsync().AsTask();
            return seen;
        }
        catch (SmtpOpenException error)
        {
            return new(
                error.Tls,
                error.Offered,
                false,
                SmtpVerdict.Trouble(account.Key, error, TransactionRules.Find(profiles ?? ProfileSet.Shipped, account, error))
            )
            {
                Stage = StageOf(error.Phase),
            };
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new(null, [], false, new(account.Key, TroubleKind.Connect, null, null, "The token endpoint takes too long."))
            {
                Stage = StageOf(SmtpPhase.Authenticate),
            };
        }
    }

    private static string StageOf(SmtpPhase phase) =>
        phase switch
        {
            SmtpPhase.Connect => "connect",
            SmtpPhase.Handshake or SmtpPhase.StartTls => "tls",
            SmtpPhase.Greeting or SmtpPhase.Hello => "greeting",
            SmtpPhase.Authenticate => "authenticate",
            _ => "conversation",
        };
}

/// <summary>What a probe saw, also when it failed.</summary>
/// <param name="Tls">The TLS version, or null without TLS.</param>
/// <param name="Extensions">The keywords of EHLO that matter here.</param>
/// <param name="Authenticated">A login took place and was accepted.</param>
/// <param name="Trouble">Why it failed, or null.</param>
public sealed record SmtpProbeResult(string? Tls, IReadOnlyList<string> Extensions, bool Authenticated, AccountTrouble? Trouble)
{
    /// <summary>Where it ended: <c>connect</c>, <c>tls</c>, <c>greeting</c>, <c>authenticate</c>, or <c>done</c>.</summary>
    public string Stage { get; init; } = "done";
}
