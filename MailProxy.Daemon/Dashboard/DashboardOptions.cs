using System.ComponentModel.DataAnnotations;

namespace MailProxy.Daemon.Dashboard;

/// <summary>The page for people, below <c>/ui</c>.</summary>
public sealed class DashboardOptions
{
    /// <summary>Whether there is a page. Off: below <c>/ui</c> nothing answers.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>
    /// Where a browser reaches the page: <c>/ui</c>, or the path below which a reverse proxy shows it. It begins with a slash and has none
    /// at its end; letters, digits, <c>-</c>, <c>_</c> and <c>.</c>.
    /// </summary>
    [RegularExpression("^(/[A-Za-z0-9._-]+)+$")]
    public string PathBase { get; init; } = "/ui";

    /// <summary>How long a sign-in lasts without a request.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan SignInFor { get; init; } = TimeSpan.FromHours(12);

    /// <summary>Live views that are open at once, in all browsers; one more is told to reload later.</summary>
    [Range(1, 10_000)]
    public int MaxLiveViews { get; init; } = 64;
}
