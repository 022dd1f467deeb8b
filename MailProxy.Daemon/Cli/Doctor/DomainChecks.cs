using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Presets;

namespace MailProxy.Daemon.Cli.Doctor;

/// <summary>Looks at what DNS says of a domain from which mail is sent: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489).</summary>
internal sealed class DomainChecks(INameLookup names)
{
    /// <summary>What a domain includes that sends by this provider under its own envelope sender.</summary>
    private static readonly Dictionary<string, string> Includes = new()
    {
        ["gmail"] = "_spf.google.com",
        ["microsoft"] = "spf.protection.outlook.com",
        ["mailgun"] = "mailgun.org",
        ["brevo"] = "spf.brevo.com",
    };

    /// <summary>Names under which the providers have their customers put keys, unless they choose others.</summary>
    private static readonly Dictionary<string, string[]> Selectors = new()
    {
        ["gmail"] = ["google"],
        ["microsoft"] = ["selector1", "selector2"],
        ["sendgrid"] = ["s1", "s2"],
        ["mailgun"] = ["mx", "k1", "smtp", "mailo", "pic", "email", "s1"],
        ["brevo"] = ["brevo1", "brevo2", "mail"],
    };

    private readonly HashSet<string> _seen = [];

    /// <param name="host">The account's server.</param>
    /// <param name="keys">The account's own DKIM keys, as the API shows them.</param>
    public async IAsyncEnumerable<Finding> FindAsync(
        string domain,
        string host,
        IReadOnlyList<JsonNode> keys,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop
    )
    {
        var about = $"domain {domain}";
        var preset = PresetAnswer.OfHost(host)?.Id ?? "";
        Func<Task<Finding>>[] checks =
        [
            () => SpfAsync(about, domain, Includes.GetValueOrDefault(preset), stop),
            () => DmarcAsync(about, domain, stop),
        ];
        if (_seen.Add($"{domain}\n{preset}"))
        {
            foreach (var check in checks)
                yield return await LookAsync(about, check);
        }

        var own = keys.Where(key => Cell.Text(key, "domain") == domain && Cell.Text(key, "state") != "retired").ToArray();
        foreach (var key in own)
            yield return await LookAsync(about, () => OwnKeyAsync(about, key, stop));
        if (own.Length == 0 && _seen.Add($"{domain}\n{preset}\ndkim"))
            yield return await LookAsync(about, () => ProviderKeyAsync(about, domain, Selectors.GetValueOrDefault(preset) ?? [], stop));
    }

    private static async Task<Finding> LookAsync(string about, Func<Task<Finding>> check)
    {
        try
        {
            return await check();
        }
        catch (NameLookupException error)
        {
            return new(Health.Warning, about, "DNS", $"it cannot be asked from here: {error.Message}.");
        }
    }

    private async Task<Finding> SpfAsync(string about, string domain, string? include, CancellationToken stop)
    {
        const string Spf = "SPF";
        string[] records = [.. (await names.TextsAsync(domain, stop)).Where(static text => Begins(text, "v=spf1"))];
        if (records.Length == 0)
            return new(
                Health.Warning,
                about,
                Spf,
                "there is no record: receivers cannot tell who may send for it.",
                include is null ? "See your provider's documents for its record." : $"TXT record of {domain}: v=spf1 include:{include} ~all"
            );
        if (records.Length > 1)
            return new(
                Health.Problem,
                about,
                Spf,
                $"there are {records.Length} records, which is an error for receivers.",
                "Merge them into one."
            );
        var record = records[0];
        if (record.Split(' ').Any(static term => term is "+all" or "all"))
            return new(Health.Problem, about, Spf, "it lets everybody send for the domain (+all).", "End it with ~all or -all.");
        return include is null || record.Contains("include:" + include, StringComparison.OrdinalIgnoreCase)
            ? new(Health.Ok, about, Spf, record)
            : new(Health.Warning, about, Spf, $"it does not name the provider: {record}", $"Add include:{include} before its last word.");
    }

    // Also of a domain above: a policy holds for all below it.
    private async Task<Finding> DmarcAsync(string about, string domain, CancellationToken stop)
    {
        const string Dmarc = "DMARC";
        for (var at = domain; at.Contains('.'); at = at[(at.IndexOf('.') + 1)..])
        {
            var record = (await names.TextsAsync($"_dmarc.{at}", stop)).FirstOrDefault(static text => Begins(text, "v=DMARC1"));
            if (record is not null)
                return new(Health.Ok, about, Dmarc, at == domain ? record : $"{record} (of {at})");
        }

        return new(
            Health.Warning,
            about,
            Dmarc,
            "there is no record; large receivers want one from who sends much.",
            $"TXT record of _dmarc.{domain}: v=DMARC1; p=none; rua=mailto:dmarc@{domain}"
        );
    }

    private async Task<Finding> OwnKeyAsync(string about, JsonNode key, CancellationToken stop)
    {
        var (name, value) = (Cell.Text(key, "dns.name"), Cell.Text(key, "dns.value"));
        var check = $"DKIM {Cell.Text(key, "selector")}";
        var found = await names.TextsAsync(name, stop);
        if (found.Any(text => Same(text, value)))
            return new(Health.Ok, about, check, $"{name} has the key.");
        var isActive = Cell.Text(key, "state") == "active";
        return new(
            isActive ? Health.Problem : Health.Warning,
            about,
            check,
            found.Count == 0 ? $"{name} is not in DNS{(isActive ? ", and mail is signed with it" : "")}." : $"{name} has another key.",
            $"TXT record of {name}: {value}"
        );
    }

    private async Task<Finding> ProviderKeyAsync(string about, string domain, string[] selectors, CancellationToken stop)
    {
        const string Dkim = "DKIM";
        foreach (var selector in selectors)
        {
            var texts = await names.TextsAsync($"{selector}._domainkey.{domain}", stop);
            if (texts.Any(static text => text.Contains("p=", StringComparison.Ordinal)))
                return new(Health.Ok, about, Dkim, $"the provider's key {selector} is in DNS.");
        }

        return selectors.Length == 0
            ? new(Health.Skipped, about, Dkim, "the provider signs, or nobody does: its name of the key is not known here.")
            : new(
                Health.Warning,
                about,
                Dkim,
                $"no key is under the provider's usual names ({string.Join(", ", selectors)}).",
                "Have the provider verify the domain, and put its records into DNS."
            );
    }

    private static bool Begins(string text, string word) => text.StartsWith(word, StringComparison.OrdinalIgnoreCase);

    private static bool Same(string one, string other) => PresetFields.WithoutBlanks(one) == PresetFields.WithoutBlanks(other);
}
