using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Send;

/// <summary>An account's server as people are told of it, and what is likely wrong when no conversation comes about. Pure.</summary>
internal sealed record ServerName(string? Host, int Port, SmtpSecurity Security)
{
    // RFC 8314: TLS from the first octet. Everywhere else the server speaks first.
    private const int TlsPort = 465;

    public static ServerName Of(SmtpAccount account) =>
        account.Sandbox ? new(null, 0, SmtpSecurity.None) : new(account.Host, account.Port, account.Security);

    public override string ToString() =>
        Host is null ? "the sandbox"
        : Host.Contains(':') ? $"[{Host}]:{Port}"
        : $"{Host}:{Port}";

    /// <summary>What to try when the server stays silent in a phase; empty: nothing comes to mind.</summary>
    public string Hint(SmtpPhase phase) =>
        (phase, Security) switch
        {
            (_, _) when Host is null => "",
            (SmtpPhase.Greeting, not SmtpSecurity.Tls) when Port == TlsPort => " Port 465 speaks TLS at once: set security to \"tls\".",
            (SmtpPhase.Greeting, not SmtpSecurity.Tls) => " If this port speaks TLS at once, set security to \"tls\".",
            (SmtpPhase.Handshake, SmtpSecurity.Tls) when Port == TlsPort => "",
            (SmtpPhase.Handshake, SmtpSecurity.Tls) when Port is 587 => " Port 587 begins without TLS: set security to \"starttls\".",
            (SmtpPhase.Handshake, SmtpSecurity.Tls) => " If this port begins without TLS, set security to \"starttls\".",
            _ => "",
        };

    public string TookTooLong(SmtpPhase phase) => $"The server {this} took too long ({phase}).{Hint(phase)}";

    public string Lost(SmtpPhase phase, string? fault) =>
        $"The connection to {this} was lost ({phase}): {fault}{(phase == SmtpPhase.Greeting ? Hint(phase) : "")}";

    /// <summary>What came instead of TLS is none.</summary>
    public string SpeaksNoTls()
    {
        if (Security != SmtpSecurity.Tls)
            return $"The server {this} agreed to STARTTLS, and what came then is no TLS.";
        var hint = Hint(SmtpPhase.Handshake) is { Length: > 0 } known ? known : " Set security to \"starttls\" if it offers that.";
        return $"The server {this} does not speak TLS, but answers in the clear.{hint}";
    }

    public string NoStartTls() => $"The server {this} does not offer STARTTLS, and the account demands it.{Hint(SmtpPhase.StartTls)}";

    /// <summary>The account has a secret that would go out in the clear.</summary>
    public string NoTlsForLogin() =>
        $"The server {this} offers no TLS, and a password or token goes out in the clear with security \"none\" only: set security to "
        + "\"tls\" or \"starttls\" and the port that the provider names for it, or remove auth.";

    /// <summary>The account has a token, and there is no way to say it.</summary>
    public string NoTokenLogin(SmtpOffers offers) =>
        SmtpReply.OneLine(
            offers.Mechanisms.Count > 0
                ? $"The server {this} offers {string.Join(", ", offers.Mechanisms)} and neither XOAUTH2 nor OAUTHBEARER,"
                    + " which oauth2 needs: see whether this is the provider's host for log-in, or use a password."
                : $"The server {this} offers no log-in, and the account has oauth2: take the port and the security that the provider names."
        );

    /// <summary>The account has a user and a password, and there is no way to say them.</summary>
    public string NoLogin(SmtpOffers offers) =>
        offers switch
        {
            { Mechanisms.Count: > 0 } => SmtpReply.OneLine(
                $"The server {this} lets nobody log in but by {string.Join(", ", offers.Mechanisms)};"
                    + $" known here are {string.Join(", ", SmtpLogin.Known)}."
                    + " Ask the provider for a way to log in with a password, such as a password for programs."
            ),
            { StartTls: true } when Security == SmtpSecurity.None =>
                $"The server {this} offers no log-in without TLS, and the account has a user and a password: set security to \"starttls\".",
            _ => $"The server {this} offers no log-in, and the account has a user and a password:"
                + " remove auth, or take the port and the security that the provider names for it.",
        };
}
