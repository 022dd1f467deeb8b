using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Send.Tokens;

/// <summary>Opens connections with a token: one that the server refuses is renewed once, on a connection of its own (some servers end a
/// conversation at a second AUTH); when a new one is refused too, a person must look.</summary>
internal static class TokenLogin
{
    private const int Refused = 535;

    private const string MicrosoftApplication =
        "The token is new, so it is not that. Likely causes: user is not the address of the mailbox that the token is for; SMTP AUTH "
        + "switched off for the mailbox (Set-CASMailbox -SmtpClientAuthenticationDisabled $false) or for the organisation; the permission "
        + "SMTP.SendAsApp of Office 365 Exchange Online is missing, or admin consent for it; a scope other than "
        + "https://outlook.office365.com/.default; no service principal of the application in Exchange Online (New-ServicePrincipal), or "
        + "it may not use the mailbox (Add-MailboxPermission FullAccess).";

    private const string MicrosoftUser =
        "The token is new, so it is not that. Likely causes: another user than the mailbox has consented, so that the token is for another "
        + "mailbox; SMTP AUTH switched off for the mailbox (Set-CASMailbox -SmtpClientAuthenticationDisabled $false) or for the "
        + "organisation; the scope https://outlook.office.com/SMTP.Send is missing; the user's or the admin's consent to it is missing.";

    private const string Google =
        "The token is new, so it is not that. Likely causes: user is not the mailbox that the token is for (subject); the scope is not "
        + "https://mail.google.com/; no consent to it, of the user or as domain-wide delegation of the client; SMTP switched off for the "
        + "user or the organisation.";

    private const string Other =
        "The token is new, so it is not that. Likely causes: user is not the mailbox that the token is for; SMTP log-in is switched off "
        + "for the mailbox; a scope for SMTP is missing, or consent to it; the application may not use the mailbox.";

    /// <param name="open">Opens a connection with a token, or null without one.</param>
    /// <param name="anew">A person tries: with a token that is new.</param>
    /// <exception cref="SmtpOpenException">None could be had.</exception>
    public static async Task<SmtpConnection> OpenAsync(
        AccountTokens? tokens,
        SmtpAccount account,
        Func<string?, Task<SmtpConnection>> open,
        bool anew,
        CancellationToken abort
    )
    {
        if (account is not { Sandbox: false, OAuth: { } login })
            return await open(null);
        if (tokens is null)
            throw new SmtpOpenException(SmtpPhase.Authenticate, null, false, "Tokens are not asked for here.");

        var (token, isFresh) = await TokenAsync(tokens, account, null, anew, abort);
        if (!isFresh)
        {
            try
            {
                return await open(token.Text);
            }
            catch (SmtpOpenException error) when (IsRefused(error))
            {
                (token, _) = await TokenAsync(tokens, account, token, false, abort);
            }
        }

        try
        {
            return await open(token.Text);
        }
        catch (SmtpOpenException error) when (IsRefused(error))
        {
            tokens.Drop(account.Key, token);
            error.Remedy = CausesOf(login);
            throw;
        }
    }

    private static bool IsRefused(SmtpOpenException error) => error is { Phase: SmtpPhase.Authenticate, Reply.Code: Refused };

    private static async Task<(AccessToken Token, bool IsFresh)> TokenAsync(
        AccountTokens tokens,
        SmtpAccount account,
        AccessToken? refused,
        bool anew,
        CancellationToken abort
    )
    {
        try
        {
            return await tokens.GetAsync(account, refused, anew, abort);
        }
        catch (TokenException error)
        {
            throw new SmtpOpenException(SmtpPhase.Authenticate, null, false, error.Message, error)
            {
                Kind = error.Kind,
                RetryAfter = error.RetryAfter,
            };
        }
    }

    private static string CausesOf(OAuthLogin login) =>
        login.Preset switch
        {
            OAuthPreset.Microsoft when login.RefreshToken is not null => MicrosoftUser,
            OAuthPreset.Microsoft => MicrosoftApplication,
            OAuthPreset.Google => Google,
            _ => Other,
        };
}
