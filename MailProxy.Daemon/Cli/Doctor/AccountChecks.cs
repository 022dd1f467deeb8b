using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Cli.Verbs;
using MailProxy.Daemon.Client;
using MailProxy.Daemon.Presets;
using MailProxy.Pipeline.Profiles;

namespace MailProxy.Daemon.Cli.Doctor;

/// <summary>Looks at each account, and at the domains from which it sends.</summary>
internal sealed class AccountChecks(Call call, INameLookup names, bool quick)
{
    private static readonly TimeSpan SecretSoon = TimeSpan.FromDays(30);
    private static readonly TimeSpan CertificateSoon = TimeSpan.FromDays(14);

    private readonly DomainChecks _domains = new(names);

    public async IAsyncEnumerable<Finding> FindAsync()
    {
        foreach (var account in (JsonArray)(await Lists.ReadAsync(call, "v1/accounts", null, all: true))["data"]!)
        {
            var about = $"account {StatusText.Name(account!)}";
            if (Cell.Flag(account, "sandbox"))
            {
                yield return new(Health.Ok, about, "server", "the sandbox of the daemon: nothing leaves it.");
                continue;
            }

            foreach (var finding in State(about, account!).Concat(Advice(about, account!)))
                yield return finding;
            yield return await NameAsync(about, account!);
            if (!quick)
            {
                yield return await LogInAsync(about, account!);
                if (Cell.Text(account, "security") is "tls" or "starttls")
                    yield return await CertificateAsync(about, account!);
            }

            await foreach (var finding in DomainsAsync(account!))
                yield return finding;
        }
    }

    private IEnumerable<Finding> State(string about, JsonNode account)
    {
        var id = Cell.Text(account, "id");
        if (Cell.Flag(account, "paused"))
            yield return new(Health.Warning, about, "state", "a person has paused it.", $"mailproxy accounts resume {id}");
        if (Cell.Text(account, "circuit.state") is "open" or "half_open")
        {
            var since = $"open ({Cell.Text(account, "circuit.cause")}) since {Cell.Text(account, "circuit.since")}";
            yield return new(
                Health.Problem,
                about,
                "circuit",
                $"{since}: {Cell.Text(account, "circuit.last_reply")}",
                [.. new[] { Cell.Text(account, "circuit.remedy") }.Where(static text => text.Length > 0), $"mailproxy accounts test {id}"]
            );
        }

        if ((string?)account["secret_expires_at"] is { } ends)
            yield return Ends(
                about,
                "secret",
                DateTimeOffset.Parse(ends, CultureInfo.InvariantCulture),
                SecretSoon,
                "Make a new one at the provider."
            );
    }

    private Finding Ends(string about, string what, DateTimeOffset at, TimeSpan soon, string step)
    {
        var left = at - call.Clock.GetUtcNow();
        var day = at.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return left <= TimeSpan.Zero ? new(Health.Problem, about, what, $"it ended on {day}.", step)
            : left < soon ? new(Health.Warning, about, what, $"it ends on {day}, in {(int)left.TotalDays} days.", step)
            : new(Health.Ok, about, what, $"good until {day}.");
    }

    // What the provider asks its customers to keep to, against what is set.
    private static IEnumerable<Finding> Advice(string about, JsonNode account)
    {
        var profile = ProfileSet.Shipped.For(Cell.Text(account, "host"));
        var advice = profile.Advice;
        (string Member, long Set, int? Advised)[] all =
        [
            ("max_connections", Cell.Number(account, "max_connections"), advice.Connections),
            ("max_messages_per_connection", Cell.Number(account, "max_messages_per_connection"), advice.MessagesPerConnection),
            ("limits.per_second", Cell.Number(account, "limits.per_second"), advice.PerSecond),
            ("limits.per_minute", Cell.Number(account, "limits.per_minute"), advice.PerMinute),
            ("limits.per_day", Cell.Number(account, "limits.per_day"), advice.RecipientsPerDay),
        ];
        var beyond = all.Where(static one => one.Advised is { } most && one.Set > most).ToArray();
        foreach (var (member, set, most) in beyond)
            yield return new(Health.Warning, about, "advice", $"{member} is {set}; {profile.Name} asks for at most {most}.");
        if (beyond.Length == 0)
            yield return new(Health.Ok, about, "advice", $"keeps to the profile {profile.Name}.");
    }

    private async Task<Finding> NameAsync(string about, JsonNode account)
    {
        var host = Cell.Text(account, "host");
        try
        {
            var found = await names.AddressesAsync(host, call.Stop);
            return found.Count > 0
                ? new(Health.Ok, about, "name", $"{host} is {string.Join(", ", found)}.")
                : new(Health.Problem, about, "name", $"{host} has no address in DNS.", "Compare the host with the provider's documents.");
        }
        catch (NameLookupException error)
        {
            return new(Health.Warning, about, "name", $"{host} cannot be looked up from here: {error.Message}.");
        }
    }

    private async Task<Finding> LogInAsync(string about, JsonNode account)
    {
        try
        {
            var (id, tenant) = (Cell.Text(account, "id"), Cell.Text(account, "tenant"));
            var path = Call.Path("v1/accounts/{0}/test", id);
            var answer = await call.DaemonOf(tenant is "default" ? null : tenant).SendAsync(HttpMethod.Post, path, null, call.Stop);
            var seen = answer.Body.Deserialize(ApiJson.Plain.AccountTestAnswer)!;
            if (!seen.Ok)
            {
                var trouble = PresetAnswer.Explain(PresetAnswer.OfHost(Cell.Text(account, "host")), seen.Stage, seen.SmtpCode, seen.Error);
                return new(
                    Health.Problem,
                    about,
                    seen.Stage,
                    $"{Hosting.OneLine.Of(seen.Error ?? "")} {trouble?.Means}".Trim(),
                    [.. trouble?.Steps ?? []]
                );
            }

            var log = seen.Authenticated ? "logs in" : "connects, without a log-in";
            return seen.Secure
                ? new(Health.Ok, about, "log-in", $"{log} ({seen.Tls}).")
                : new(Health.Warning, about, "log-in", $"{log} without TLS: mail, and a password if there is one, can be read on the way.");
        }
        catch (DaemonException error) when (error.Trouble != DaemonTrouble.Unreachable)
        {
            return new(Health.Problem, about, "log-in", error.Message.Split('\n')[0]);
        }
    }

    private async Task<Finding> CertificateAsync(string about, JsonNode account)
    {
        var (host, port) = (Cell.Text(account, "host"), (int)Cell.Number(account, "port"));
        try
        {
            using var seen = await Certificates.OfAsync(host, port, Cell.Text(account, "security") is "tls", call.Clock, call.Stop);
            return Ends(about, "certificate", seen.NotAfter.ToUniversalTime(), CertificateSoon, "Whoever runs the server renews it.");
        }
        catch (IOException error)
        {
            return new(Health.Warning, about, "certificate", $"it cannot be looked at from here: {Hosting.OneLine.Of(error)}");
        }
    }

    private async IAsyncEnumerable<Finding> DomainsAsync(JsonNode account)
    {
        var keys = await KeysAsync(account);
        var domains = (account["from_allowed"] as JsonArray ?? [])
            .Select(static one => Cell.Text(one).Split('@')[^1].ToLowerInvariant())
            .Where(static domain => domain.Contains('.'))
            .Distinct()
            .ToArray();
        foreach (var domain in domains)
        {
            await foreach (var finding in _domains.FindAsync(domain, Cell.Text(account, "host"), keys, call.Stop))
                yield return finding;
        }
    }

    private async Task<IReadOnlyList<JsonNode>> KeysAsync(JsonNode account)
    {
        var tenant = Cell.Text(account, "tenant");
        var path = Call.Path("v1/accounts/{0}/dkim", Cell.Text(account, "id"));
        var found = await call.DaemonOf(tenant is "default" ? null : tenant).GetAsync(path, call.Stop);
        return [.. ((JsonArray)found["data"]!).Select(static key => key!)];
    }
}
