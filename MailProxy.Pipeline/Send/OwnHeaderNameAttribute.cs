using System.Collections.Frozen;
using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// The name of a header that nothing else writes or reads: a second <c>From</c> or <c>Message-ID</c> would break every mail.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OwnHeaderNameAttribute : ValidationAttribute
{
    private static readonly FrozenSet<string> Standard = new[]
    {
        "From",
        "Sender",
        "Reply-To",
        "To",
        "Cc",
        "Bcc",
        "Subject",
        "Date",
        "Message-ID",
        "In-Reply-To",
        "References",
        "Comments",
        "Keywords",
        "MIME-Version",
        "Received",
        "Received-SPF",
        "Return-Path",
        "Delivered-To",
        "DKIM-Signature",
        "Authentication-Results",
        "Autocrypt",
        "Auto-Submitted",
        "Precedence",
        "Importance",
        "Priority",
        "Sensitivity",
        "Encrypted",
        "Expires",
        "Organization",
        "Thread-Topic",
        "Thread-Index",
        "Archived-At",
        "Feedback-ID",
        "Require-Recipient-Valid-Since",
        "Return-Receipt-To",
        "TLS-Required",
        "BIMI-Selector",
        "BIMI-Location",
        "BIMI-Indicator",
        "X-Priority",
        "X-Mailer",
        "Errors-To",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly string[] Families = ["Content-", "Resent-", "List-", "ARC-", "Disposition-Notification-", "Original-"];

    public override bool IsValid(object? value) =>
        value is not string name
        || (!Standard.Contains(name) && !Array.Exists(Families, f => name.StartsWith(f, StringComparison.OrdinalIgnoreCase)));
}
