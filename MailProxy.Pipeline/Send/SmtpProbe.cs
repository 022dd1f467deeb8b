using MailKit.Net.Smtp;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Send;

/// <summary>Connects to an account's server and logs in, outside the pool and without sending anything: the "test" of an account.</summary>
/// <param name="policy">As in the pool: for accounts that tenants set; null: public addresses only.</param>
public sealed class SmtpProbe(CurrentAccounts accounts, SendOptions options, TimeProvider clock, NetworkPolicy? policy = null)
{
    /// <summary>Never faults but when <paramref name="cancel"/> asks; what went wrong is in the result.</summary>
    public async Task<SmtpProbeResult> TryAsync(SmtpAccount account, CancellationToken cancel)
    {
        try
        {
            await using var connection = await SmtpConnection.OpenAsync(account, Dialling.ServerOf(account, accounts.Directory, policy ?? NetworkPolicy.PublicOnly), options, clock, cancel);
            return new(connection.Tls, Names(connection.Capabilities), account is { Sandbox: false, User: not null, Password: not null }, null);
        }
        catch (SmtpOpenException failure)
        {
            return new(null, [], false, SmtpVerdict.Trouble(account.Key, failure));
        }
    }

    private static string[] Names(SmtpCapabilities capabilities)
    {
        (SmtpCapabilities Capability, string Name)[] known =
        [
            (SmtpCapabilities.Size, "SIZE"), (SmtpCapabilities.Dsn, "DSN"), (SmtpCapabilities.EnhancedStatusCodes, "ENHANCEDSTATUSCODES"),
            (SmtpCapabilities.Authentication, "AUTH"), (SmtpCapabilities.EightBitMime, "8BITMIME"), (SmtpCapabilities.Pipelining, "PIPELINING"),
            (SmtpCapabilities.BinaryMime, "BINARYMIME"), (SmtpCapabilities.Chunking, "CHUNKING"), (SmtpCapabilities.StartTLS, "STARTTLS"),
            (SmtpCapabilities.UTF8, "SMTPUTF8"), (SmtpCapabilities.RequireTLS, "REQUIRETLS"),
        ];
        return [.. known.Where(k => capabilities.HasFlag(k.Capability)).Select(static k => k.Name)];
    }
}

/// <summary>What a probe saw.</summary>
/// <param name="Tls">The TLS version, or null without TLS.</param>
/// <param name="Extensions">The keywords of EHLO that matter here.</param>
/// <param name="Authenticated">A login took place and was accepted.</param>
/// <param name="Trouble">Why it failed, or null.</param>
public sealed record SmtpProbeResult(string? Tls, IReadOnlyList<string> Extensions, bool Authenticated, AccountTrouble? Trouble);
