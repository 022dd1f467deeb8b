namespace MailProxy.Pipeline.Accounts;

/// <summary>How far ahead the end of a provider's secret is told. Pure.</summary>
public static class SecretEnds
{
    private const long Day = 86_400_000;

    /// <summary>Days ahead, the first first; 0: it is over.</summary>
    private static readonly int[] Steps = [30, 7, 1, 0];

    /// <summary>The accounts whose secret ends within 30 days, or is over: the nearest end first.</summary>
    public static IEnumerable<SmtpAccount> Near(AccountDirectory directory, long now) =>
        directory.All.Where(account => StepOf(account.SecretExpiresAt, now) is not null).OrderBy(static account => account.SecretExpiresAt);

    /// <summary>The least step that has come; null: none, or no end is known.</summary>
    public static int? StepOf(long? end, long now)
    {
        int? step = null;
        foreach (var days in Steps)
        {
            if (end - (days * Day) <= now)
                step = days;
        }

        return step;
    }

    /// <summary>When the next step comes; null: never.</summary>
    public static long? NextAt(long? end, long now)
    {
        foreach (var days in Steps)
        {
            if (end - (days * Day) is { } at && at > now)
                return at;
        }

        return null;
    }
}
