namespace MailProxy.Pipeline.Send.Tokens;

/// <summary>A token as it is used. By the monotonic clock: a step of the wall clock makes none older or younger.</summary>
internal sealed class AccessToken
{
    private static readonly TimeSpan LongestAhead = TimeSpan.FromMinutes(10),
        Margin = TimeSpan.FromSeconds(30);

    private readonly long _grantedAt;
    private readonly TimeSpan _due,
        _over;

    /// <param name="chance">A number from 0 to 1: not all accounts ask at once.</param>
    public AccessToken(TokenAnswer answer, long grantedAt, double chance)
    {
        (Text, _grantedAt) = (answer.Token, grantedAt);
        var ahead = Least(answer.Lasts / 4, LongestAhead) * (0.5 + (0.5 * chance));
        _due = answer.Lasts - ahead;
        _over = answer.Lasts - Least(answer.Lasts / 10, Margin);
    }

    public string Text { get; }

    /// <summary>Time to ask for the next one, while this one still serves.</summary>
    public bool IsDue(TimeProvider clock) => clock.GetElapsedTime(_grantedAt) >= _due;

    /// <summary>Not to be used any more.</summary>
    public bool IsOver(TimeProvider clock) => clock.GetElapsedTime(_grantedAt) >= _over;

    public override string ToString() => "an access token";

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
