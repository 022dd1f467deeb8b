using System.ComponentModel.DataAnnotations;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Retain;

/// <summary>How long data is kept after a message has ended.</summary>
public sealed class RetainOptions
{
    /// <summary>
    /// Bodies and attachments of tenants that say nothing else: <c>none</c>, <c>until_reported</c>, or days such as <c>7d</c>.
    /// </summary>
    [Required]
    [RegularExpression("none|until_reported|[1-9][0-9]{0,3}d", ErrorMessage = "must be none, until_reported, or days such as 7d.")]
    public string Content { get; set; } = "until_reported";

    /// <summary>
    /// How long the bodies of messages that failed or expired stay at least, so that <c>retry</c> can queue them again; not where the rule
    /// is <c>none</c>. 0: no longer than others.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "3650.00:00:00")]
    public TimeSpan Undelivered { get; set; } = TimeSpan.FromDays(3);

    /// <summary>How long a finished message is known by its id, with its results and events. The event feed reaches back as far.</summary>
    [Range(typeof(TimeSpan), "7.00:00:00", "3650.00:00:00")]
    public TimeSpan Metadata { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How long events wait for a webhook that is paused or disabled; then they are dropped for it, and <c>webhook.disabled</c> tells how
    /// many.
    /// </summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00")]
    public TimeSpan WebhookHold { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How long it is known what was said in an attempt that did not simply succeed (<c>GET /v1/messages/{id}/attempts</c>); no longer than
    /// the message.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "3650.00:00:00")]
    public TimeSpan Dialogues { get; set; } = TimeSpan.FromDays(7);

    /// <param name="content">The rule of a tenant.</param>
    internal RetentionRules Rules(Func<string, Retention> content) =>
        new(content, Undelivered, Metadata, WebhookHold) { Dialogues = Dialogues };

    internal Retention ContentRule => Retention.Parse(Content) ?? throw new InvalidOperationException($"'{Content}' is no retention.");
}
