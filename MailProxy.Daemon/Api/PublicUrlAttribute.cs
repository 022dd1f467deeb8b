using System.ComponentModel.DataAnnotations;

namespace MailProxy.Daemon.Api;

/// <summary>An absolute http or https address without credentials, query and fragment.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PublicUrlAttribute()
    : ValidationAttribute("must be an absolute http or https URL without credentials, query or fragment.")
{
    public override bool IsValid(object? value) => value is null || (value is string text && Urls.IsPlain(text));
}
