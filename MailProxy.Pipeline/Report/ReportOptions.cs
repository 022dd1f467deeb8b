using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace MailProxy.Pipeline.Report;

/// <summary>How outcomes are settled and told.</summary>
public sealed class ReportOptions
{
    /// <summary>
    /// Waits before each retry of a deferred message, in minutes, separated by commas; when they are used up it has failed.
    /// </summary>
    [Required]
    [RegularExpression(
        @"\s*\d{1,6}(\.\d{1,3})?\s*(,\s*\d{1,6}(\.\d{1,3})?\s*){0,99}",
        ErrorMessage = "must be up to 100 numbers below 1,000,000, separated by commas."
    )]
    public string RetryMinutes { get; set; } = "1, 5, 15, 60, 120, 240, 480";

    /// <summary>
    /// Waits after trouble of our own (disk), in seconds, separated by commas; the last one repeats. No attempt is lost.
    /// </summary>
    [Required]
    [RegularExpression(
        @"\s*\d{1,6}(\.\d{1,3})?\s*(,\s*\d{1,6}(\.\d{1,3})?\s*){0,99}",
        ErrorMessage = "must be up to 100 numbers below 1,000,000, separated by commas."
    )]
    public string PostponeSeconds { get; set; } = "30, 60, 120, 300, 900";

    /// <summary>
    /// Waits after trouble with the source of an attachment, in seconds, separated by commas; the last one repeats until the message
    /// expires. No attempt is lost.
    /// </summary>
    [Required]
    [RegularExpression(
        @"\s*\d{1,6}(\.\d{1,3})?\s*(,\s*\d{1,6}(\.\d{1,3})?\s*){0,99}",
        ErrorMessage = "must be up to 100 numbers below 1,000,000, separated by commas."
    )]
    public string SourceSeconds { get; set; } = "30, 120, 300, 900, 3600";

    /// <summary>Every wait is spread by this share of itself in both directions.</summary>
    [Range(0, 0.5)]
    public double Jitter { get; set; } = 0.1;

    /// <summary>Outcomes of one commit.</summary>
    [Range(1, 4096)]
    public int MaxCommit { get; set; } = 512;

    /// <summary>First back-off of an account in trouble; doubles up to <c>AccountBackoffLongest</c>.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan AccountBackoffFirst { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>First back-off after a refused log-in.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan AuthenticationBackoffFirst { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Longest back-off of an account.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan AccountBackoffLongest { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a webhook may take to answer.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan WebhookTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Requests in flight for one webhook.</summary>
    [Range(1, 64)]
    public int WebhookInFlight { get; set; } = 8;

    /// <summary>Requests in flight for all webhooks together; a tenant has its share.</summary>
    [Range(1, 10_000)]
    public int WebhookRequests { get; set; } = 512;

    /// <summary>A webhook is disabled this long after the first of a row of failures.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan WebhookDisableAfter { get; set; } = TimeSpan.FromHours(75);

    /// <summary>Bytes of a webhook's answer that are read; none of it is kept.</summary>
    [Range(0, 16 * 1024 * 1024)]
    public int WebhookAnswerBytes { get; set; } = 64 * 1024;

    internal TimeSpan[] RetrySteps => Parse(RetryMinutes, TimeSpan.FromMinutes);

    internal TimeSpan[] PostponeSteps => Parse(PostponeSeconds, TimeSpan.FromSeconds);

    internal TimeSpan[] SourceSteps => Parse(SourceSeconds, TimeSpan.FromSeconds);

    private static TimeSpan[] Parse(string list, Func<double, TimeSpan> unit) =>
        [.. list.Split(',').Select(step => unit(double.Parse(step, CultureInfo.InvariantCulture)))];
}
