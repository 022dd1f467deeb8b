namespace MailProxy.Pipeline.Accounts;

/// <summary>Limits of an account for mail to one domain each: what a provider, or the domain itself, takes from a sender.</summary>
/// <param name="ByDomain">By domain, as A-labels in lower case; <c>*</c>: for each domain that is not named.</param>
public sealed record DestinationLimits(IReadOnlyDictionary<string, AccountLimits> ByDomain)
{
    /// <summary>Stands for each domain that is not named.</summary>
    public const string Others = "*";

    /// <summary>Domains that an account may name.</summary>
    public const int Most = 1_000;

    /// <summary>Null: there is no limit for it.</summary>
    public AccountLimits? Of(string domain) => ByDomain.GetValueOrDefault(domain) ?? ByDomain.GetValueOrDefault(Others);

    /// <summary>The domain that an address's mail counts for: as A-labels, in lower case.</summary>
    public static string DomainOf(string address)
    {
        var domain = address[(address.LastIndexOf('@') + 1)..];
        return (DomainNames.ToAscii(domain) ?? domain).ToLowerInvariant();
    }

    public bool Equals(DestinationLimits? other) =>
        other is not null
        && ByDomain.Count == other.ByDomain.Count
        && ByDomain.All(one => other.ByDomain.TryGetValue(one.Key, out var theirs) && theirs == one.Value);

    public override int GetHashCode() => ByDomain.Count;
}
