using System.Globalization;
using System.Text;
using MailProxy.Pipeline.Profiles;

namespace MailProxy.Tests.Docs;

/// <summary>The tables of docs/reference/profiles.md: the shipped profiles, and what each of their rules does.</summary>
internal static class ProfileTables
{
    public static string Profiles()
    {
        var text = new StringBuilder("| profile | hosts | mail ends there | advice |\n|---|---|---|---|\n");
        foreach (var profile in ProfileSet.Shipped.All)
        {
            var hosts = profile.Hosts.Count == 0 ? "every other" : string.Join(", ", profile.Hosts.Select(static host => $"`{host.Text}`"));
            text.Append($"| `{profile.Name}` | {hosts} | {(profile.IsDestination ? "yes" : "no")} | {Advice(profile.Advice)} |\n");
        }

        return text.ToString();
    }

    public static string Rules()
    {
        var text = new StringBuilder("| rule | reply | scope | action | remedy |\n|---|---|---|---|---|\n");
        foreach (var rule in ProfileSet.Shipped.All.SelectMany(static profile => profile.Rules).DistinctBy(static rule => rule.FullName))
        {
            text.Append(
                $"| `{rule.FullName}` | {Reply(rule)} | {RuleTerms.Scopes.Of(rule.Scope)} | {Action(rule)} | {rule.Remedy ?? "–"} |\n"
            );
        }

        return text.ToString();
    }

    private static string Advice(ProviderAdvice advice)
    {
        string?[] parts =
        [
            Counted(advice.Connections, "connections"),
            Counted(advice.MessagesPerConnection, "messages a connection"),
            Counted(advice.PerSecond, "a second"),
            Counted(advice.PerMinute, "a minute"),
            Counted(advice.RecipientsPerDay, "recipients in 24 hours"),
            Counted(advice.IdleSeconds, "s idle"),
        ];
        var counted = string.Join(", ", parts.OfType<string>());
        return (counted, advice.Note) switch
        {
            ("", null) => "–",
            (_, null) => counted,
            ("", _) => advice.Note,
            _ => $"{counted}. {advice.Note}",
        };
    }

    private static string? Counted(int? number, string what) =>
        number is { } count ? string.Create(CultureInfo.InvariantCulture, $"{count:N0} {what}") : null;

    private static string Reply(ReplyRule rule)
    {
        var codes = string.Join(", ", rule.Codes.Select(static code => code.From == code.To ? $"{code.From}" : $"{code.From / 100}xx"));
        var enhanced = rule.Enhanced.Count > 0 ? " " + string.Join(", ", rule.Enhanced) : "";
        var words = rule.Text is { } pattern ? $" `{pattern.Source.Replace("|", "\\|", StringComparison.Ordinal)}`" : "";
        var phases = rule.Phases.Count > 0 ? $" (at {string.Join(", ", rule.Phases.Select(RuleTerms.Phases.Of))})" : "";
        return $"{codes}{enhanced}{words}{phases}";
    }

    private static string Action(ReplyRule rule)
    {
        string?[] parts =
        [
            rule.Circuit is { } circuit ? $"circuit {RuleTerms.Circuits.Of(circuit)}" : null,
            rule.RateFactor is { } factor ? string.Create(CultureInfo.InvariantCulture, $"rate × {factor}") : null,
            Counted(rule.PerMinute, "a minute"),
            Counted(rule.Connections, "connections"),
            Counted(rule.FewerConnections, "connection fewer"),
            Counted(rule.MessagesPerConnection, "messages a connection"),
            rule.LearnMessages ? "learn messages a connection" : null,
            rule.Waits.Count > 0 ? $"wait {string.Join(", ", rule.Waits.Select(RuleTime.Write))}" : null,
            rule.Lasts is { } lasts ? $"for {RuleTime.Write(lasts)}" : null,
            rule.Times > 1 ? $"from the {rule.Times}. within {RuleTime.Write(rule.Within)}" : null,
            rule.SameAccount ? "same account" : null,
            rule.RefreshToken ? "after a new token" : null,
            rule.Alarm ? "alarm" : null,
        ];
        var how = string.Join("; ", parts.OfType<string>());
        var name = RuleTerms.Actions.Of(rule.Action);
        return how.Length > 0 ? $"{name}: {how}" : name;
    }
}
