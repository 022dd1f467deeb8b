using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Validates that every element is an absolute path without <c>.</c> and <c>..</c> parts.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AbsolutePathsAttribute() : ValidationAttribute("must be absolute paths, without . and .. parts.")
{
    public override bool IsValid(object? value) =>
        value is not string[] paths
        || paths.All(path => path.StartsWith('/') && !path.Contains('\0') && !path.Split('/').Any(part => part is "." or ".."));
}
