using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Network;

/// <summary>Validates that every element is a CIDR range or a single address.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class CidrRangesAttribute() : ValidationAttribute("must be CIDR ranges such as 10.1.0.0/16, or single addresses.")
{
    public override bool IsValid(object? value) =>
        value is not string[] ranges || ranges.All(range => NetworkPolicy.TryParse(range, out _));
}
