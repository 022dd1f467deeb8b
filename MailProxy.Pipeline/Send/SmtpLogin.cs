using System.Globalization;
using System.Text;
using MailKit.Security;
using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Send;

/// <summary>Logs in (RFC 4954). The mechanisms' own computing is MailKit's, within bounds; the conversation is ours.</summary>
internal static class SmtpLogin
{
    /// <summary>SCRAM's work is named by the server, and cannot be ended once begun. OWASP asks for some hundred thousand where
    /// passwords are kept; servers use 4,096 to 15,000.</summary>
    public const int MostIterations = 100_000;

    // No mechanism has more.
    private const int MostChallenges = 8;

    /// <summary>The best first: those that do not show the password.</summary>
    public static readonly IReadOnlyList<string> Known = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"];

    // They say the password itself.
    private static readonly string[] Showing = ["PLAIN", "LOGIN"];

    /// <summary>Tries what both sides know, one after the other, while the server goes on talking. A refusal that it gave counts,
    /// whatever becomes of the next try.</summary>
    /// <param name="mayShow">TLS is there, or the account does without.</param>
    /// <exception cref="SmtpOpenException">The server refused, or there is no way to log in.</exception>
    public static async Task RunAsync(
        SmtpDialogue dialogue,
        SmtpOffers offers,
        string user,
        string password,
        bool mayShow,
        PhaseClock clock,
        ServerName server
    )
    {
        clock.Enter(SmtpPhase.Authenticate);
        SmtpReply? refused = null;
        var common = Known.Where(offers.Mechanisms.Contains).ToArray();
        foreach (var mechanism in mayShow ? common : common.Except(Showing))
        {
            SmtpReply? reply;
            try
            {
                reply = await TryAsync(dialogue, mechanism, user, password, clock);
            }
            catch (Exception) when (refused is not null)
            {
                throw new SmtpOpenException(SmtpPhase.Authenticate, refused, false, refused.Text);
            }

            if (reply is null)
                return;
            if (refused is null || (IsOfThePassword(reply) && !IsOfThePassword(refused)))
                refused = reply;
            if (!reply.IsPermanent || dialogue.Replies.HasLeftovers)
                break;
        }

        if (refused is not null)
            throw new SmtpOpenException(SmtpPhase.Authenticate, refused, false, refused.Text);
        var none = common.Length > 0 ? server.NoTlsForLogin() : server.NoLogin(offers);
        throw new SmtpOpenException(SmtpPhase.Authenticate, null, false, none) { Kind = TroubleKind.Authentication };
    }

    private static bool IsOfThePassword(SmtpReply reply) => reply.Code is 530 or 534 or 535 or 538;

    /// <summary>Null: logged in. Else the server's no.</summary>
    private static async Task<SmtpReply?> TryAsync(SmtpDialogue dialogue, string mechanism, string user, string password, PhaseClock clock)
    {
        var (initial, answer) = Answers(mechanism, user, password);
        var lines = new List<string>();
        clock.Enter(SmtpPhase.Authenticate);
        var reply = await dialogue.AskAsync(initial is null ? $"AUTH {mechanism}" : $"AUTH {mechanism} {initial}", lines);
        for (var challenges = 0; reply.Code == 334; challenges++)
        {
            if (challenges == MostChallenges)
                throw new SmtpGarbageException($"The log-in by {mechanism} does not end.");
            var challenge = lines.Count > 0 ? lines[^1] : "";
            lines.Clear();
            clock.Enter(SmtpPhase.Authenticate);
            reply = await dialogue.AskAsync(answer(challenge.Trim()), lines);
        }

        if (reply.Code == 235)
            return null;
        if (reply.Refuses)
            return reply;
        throw new SmtpGarbageException($"A reply to AUTH that is neither yes nor no: {reply.Code} {reply.Text}");
    }

    private static (string? Initial, Func<string, string> Answer) Answers(string mechanism, string user, string password)
    {
        switch (mechanism)
        {
            case "PLAIN":
                var both = Base64($"\0{user}\0{password}");
                return (both, _ => both);
            case "LOGIN":
                // The first question is for the user, whatever its words.
                var asked = 0;
                return (null, _ => Base64(asked++ == 0 ? user : password));
            default:
                var sasl =
                    SaslMechanism.Create(mechanism, Encoding.UTF8, new(user, password))
                    ?? throw new ArgumentOutOfRangeException(nameof(mechanism), mechanism, null);
                return (sasl.SupportsInitialResponse ? Compute(sasl, null) : null, challenge => Compute(sasl, challenge));
        }
    }

    private static string Compute(SaslMechanism mechanism, string? challenge)
    {
        if (mechanism is SaslMechanismScramBase && challenge is not null && Iterations(challenge) > MostIterations)
        {
            throw new SmtpGarbageException($"The log-in by {mechanism.MechanismName} asks for more than {MostIterations} iterations.");
        }

        try
        {
            return mechanism.Challenge(challenge, CancellationToken.None) ?? "";
        }
        catch (Exception error) when (error is SaslException or FormatException or ArgumentException or NotSupportedException)
        {
            throw new SmtpGarbageException($"The log-in by {mechanism.MechanismName} broke off: {SmtpReply.OneLine(error.Message)}");
        }
    }

    /// <summary>What a SCRAM challenge asks for (RFC 5802 section 5.1: i=); a number that is none is too much, and no number at all is
    /// none.</summary>
    public static long Iterations(string challenge)
    {
        var octets = new byte[challenge.Length];
        if (!Convert.TryFromBase64String(challenge, octets, out var length))
            return 0;
        long most = 0;
        foreach (var part in Encoding.UTF8.GetString(octets, 0, length).Split(','))
        {
            if (!part.TrimStart().StartsWith("i=", StringComparison.OrdinalIgnoreCase))
                continue;
            var digits = part.TrimStart()[2..];
            var known = long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var asked);
            most = Math.Max(most, known ? asked : long.MaxValue);
        }

        return most;
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
