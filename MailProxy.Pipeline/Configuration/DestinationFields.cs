using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using LimitField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.AccountLimits>;

namespace MailProxy.Pipeline.Configuration;

/// <summary>What an account says of the domains that its mail goes to.</summary>
internal static class DestinationFields
{
    // How it counts, and what happens at a limit, are as the account says.
    private static readonly FieldList<AccountLimits> Members = new("DestinationLimits", MailRuleFields.Rates)
    {
        Rules = (members, limits, before) =>
        {
            if (limits.IsUnlimited)
                members.Fault("per_hour", "required", "A destination has at least one of per_second, per_minute, per_hour, per_day.");
            return MailRuleFields.BurstNeedsLimit(members, limits, before);
        },
    };

    private static readonly Form<DestinationLimits?> Form = new(
        new("object")
        {
            Values = new("object") { Object = Members },
            MostItems = DestinationLimits.Most,
        },
        Bind,
        static limits => limits is null ? null : Write(limits),
        static json =>
            new(json.EnumerateObject().ToDictionary(static one => one.Name, static one => Members.Read(one.Value, AccountLimits.None)))
    );

    public static readonly LimitField Field = LimitField.Of(
        "destinations",
        Form,
        l => l.Destinations,
        (l, destinations) => l with { Destinations = destinations },
        says: "Limits of mail to one domain each, beside the others: by domain, and `*` for each that is not named. At most 1,000."
    );

    private static DestinationLimits? Bind(MemberReader members, string name, bool required)
    {
        if (members.Map(name, DestinationLimits.Most) is not { } map)
            return null;
        var limits = new Dictionary<string, AccountLimits>(StringComparer.Ordinal);
        foreach (var one in map.EnumerateObject())
        {
            if (one.Value.ValueKind == JsonValueKind.Null)
                continue; // the same as absent
            var at = $"{name}/{JsonPointer.Escape(one.Name)}";
            if (DomainOf(one.Name) is not { } domain)
                members.Fault(at, "invalid_domain", "Must be a domain name, or *.");
            else if (limits.ContainsKey(domain))
                members.Fault(at, "duplicate", $"The domain '{domain}' is there already.");
            else if (one.Value.ValueKind != JsonValueKind.Object)
                members.Fault(at, "invalid_type", "Must be an object such as {\"per_hour\": 100}.");
            else
                limits[domain] = Members.Bind(members.At(at, one.Value), AccountLimits.None, null);
        }

        return limits.Count == 0 ? null : new(limits);
    }

    private static string? DomainOf(string written) =>
        written == DestinationLimits.Others ? written
        : DomainNames.ToAscii(written)?.ToLowerInvariant() is { Length: <= 253 } name && Uri.CheckHostName(name) == UriHostNameType.Dns
            ? name
        : null;

    private static JsonObject Write(DestinationLimits limits)
    {
        var written = new JsonObject();
        foreach (var (domain, own) in limits.ByDomain)
            written[domain] = Members.Keep(own);
        return written;
    }
}
