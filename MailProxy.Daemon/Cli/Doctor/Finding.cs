namespace MailProxy.Daemon.Cli.Doctor;

internal enum Health
{
    Ok,

    /// <summary>Not looked at, and why.</summary>
    Skipped,

    /// <summary>Works, and may not for long or not for everybody.</summary>
    Warning,

    /// <summary>Does not work.</summary>
    Problem,
}

/// <summary>What one check came to.</summary>
/// <param name="About">What was looked at: <c>account relay</c>.</param>
/// <param name="Check">What of it: <c>certificate</c>.</param>
/// <param name="Says">One sentence.</param>
/// <param name="Steps">What to do; empty: nothing.</param>
internal sealed record Finding(Health Health, string About, string Check, string Says, params IReadOnlyList<string> Steps);
