using System.Globalization;
using System.Text.RegularExpressions;

namespace MailProxy.Pipeline.Send;

/// <summary>The delay that a transient reply names ("try again in 5 minutes", "Greylisted for 300 seconds", "come back in 00:05:00").
/// Nothing is guessed: a number without such words is no delay.</summary>
internal static partial class RetryHint
{
    public static TimeSpan? In(SmtpReply reply)
    {
        if (!reply.IsTransient || Sentence().Match(reply.Text) is not { Success: true } match)
            return null;
        if (match.Groups["clock"].Success)
        {
            return TimeSpan.TryParseExact(match.Groups["clock"].ValueSpan, @"hh\:mm\:ss", CultureInfo.InvariantCulture, out var time)
                ? time
                : null;
        }

        if (!int.TryParse(match.Groups["amount"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var amount))
            return null;
        return match.Groups["unit"].ValueSpan[0] switch
        {
            'h' or 'H' => TimeSpan.FromHours(amount),
            'm' or 'M' => TimeSpan.FromMinutes(amount),
            _ => TimeSpan.FromSeconds(amount),
        };
    }

    // [0-9], since \d is any of the world's digits, which no parser takes.
    [GeneratedRegex(
        @"\b(?:try|retry|come\s+back|return|wait|gr[ea]y-?list(?:ed|ing)?)\b"
            + @"(?:[\s,:]+(?:again|later|back|please|at\s+least|in|after|for|about))*[\s,:]+"
            + @"(?:(?<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})\b|(?<amount>[0-9]{1,5})\s*(?<unit>s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Sentence();
}
