using System.Text;
using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Send;

/// <summary>Logs in with an access token: XOAUTH2, as Google and Microsoft document it, or OAUTHBEARER (RFC 7628). One AUTH a
/// connection: some servers end the conversation at a second one.</summary>
internal static class SmtpTokenLogin
{
    public static readonly IReadOnlyList<string> Known = ["XOAUTH2", "OAUTHBEARER"];

    // Longer lines are legal (RFC 4954 section 4: 12,288 octets), but some servers read a command into less. Lines behind 334 are read
    // into more.
    private const int LongestCommand = 4_096;

    // The refusal with its reason, and one to be safe.
    private const int MostChallenges = 3;

    /// <param name="mayShow">TLS is there, or the account does without.</param>
    /// <exception cref="SmtpOpenException">The server refused, or there is no way to log in.</exception>
    public static async Task RunAsync(
        SmtpDialogue dialogue,
        SmtpOffers offers,
        string user,
        string token,
        bool mayShow,
        PhaseClock clock,
        ServerName server
    )
    {
        clock.Enter(SmtpPhase.Authenticate);
        if (!mayShow)
            throw Impossible(server.NoTlsForLogin());
        if (Known.FirstOrDefault(offers.Mechanisms.Contains) is not { } mechanism)
            throw Impossible(server.NoTokenLogin(offers));

        var response = Convert.ToBase64String(
            Encoding.UTF8.GetBytes(mechanism == "XOAUTH2" ? XOAuth2(user, token) : OAuthBearer(user, token, server))
        );
        var whole = $"AUTH {mechanism} {response}";
        var isLong = whole.Length + 2 > LongestCommand;
        var reply = await dialogue.AskAsync(isLong ? $"AUTH {mechanism}" : whole);
        var isSaid = !isLong;
        for (var challenges = 0; reply.Code == 334; challenges++)
        {
            if (challenges == MostChallenges)
                throw new SmtpGarbageException($"The log-in by {mechanism} does not end.");
            clock.Enter(SmtpPhase.Authenticate);

            // What comes after the token is the reason of a refusal, whose code follows when it was heard (RFC 7628 section 3.2.3).
            reply = await dialogue.AskAsync(
                !isSaid ? response
                : mechanism == "XOAUTH2" ? ""
                : "AQ=="
            );
            isSaid = true;
        }

        if (reply.Code == 235)
            return;
        if (reply.Refuses)
            throw new SmtpOpenException(SmtpPhase.Authenticate, reply, false, reply.Text);
        throw new SmtpGarbageException($"A reply to AUTH that is neither yes nor no: {reply.Code} {reply.Text}");
    }

    private static string XOAuth2(string user, string token) => $"user={user}\u0001auth=Bearer {token}\u0001\u0001";

    // The name is a saslname: a comma or an equals sign in it would end it (RFC 5801 section 4).
    private static string OAuthBearer(string user, string token, ServerName server) =>
        $"n,a={user.Replace("=", "=3D", StringComparison.Ordinal).Replace(",", "=2C", StringComparison.Ordinal)},\u0001"
        + $"host={server.Host}\u0001port={server.Port}\u0001auth=Bearer {token}\u0001\u0001";

    private static SmtpOpenException Impossible(string why) =>
        new(SmtpPhase.Authenticate, null, false, why) { Kind = TroubleKind.Authentication };
}
