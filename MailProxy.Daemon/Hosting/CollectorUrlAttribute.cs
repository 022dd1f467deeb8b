using System.ComponentModel.DataAnnotations;

namespace MailProxy.Daemon.Hosting;

/// <summary>An absolute http or https address without credentials, query and fragment. It is the operator's, and may be anywhere.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class CollectorUrlAttribute()
    : ValidationAttribute(
        "must be an absolute http or https URL without credentials, query or fragment; credentials are set with "
            + "Telemetry:Otlp:Headers."
    )
{
    public override bool IsValid(object? value) =>
        value is not string { Length: > 0 } text
        || (
            Uri.TryCreate(text, UriKind.Absolute, out var url)
            && url is { Scheme: "http" or "https", UserInfo: "", Query: "", Fragment: "", Host.Length: > 0 }
        );
}
