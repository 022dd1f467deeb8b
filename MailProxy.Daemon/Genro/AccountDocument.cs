using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Genro;

/// <summary>An SMTP account as clients of genro-mail-proxy write and read it. Pure.</summary>
internal static class AccountDocument
{
    /// <summary>How long its mail lasts: genro-mail-proxy knows no end.</summary>
    public static readonly TimeSpan Lasts = TimeSpan.FromDays(365);

    /// <summary>When it tries again.</summary>
    public static readonly RetrySchedule Retry = new([1, 5, 15, 60, 120]);

    // What is only kept and shown again.
    private const int MostMembers = 100,
        LongestEcho = 1_000;

    // What is there and null when it was not given, where nulls stay.
    private static readonly string[] Nullable =
    [
        "user",
        "batch_size",
        "limit_per_minute",
        "limit_per_hour",
        "limit_per_day",
        "imap_host",
        "imap_port",
        "imap_user",
        "imap_folder",
    ];

    /// <summary>The name of what is kept of it: a new account of the same id has none of it.</summary>
    public static string Number(SmtpAccount account) => account.Key.Number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The account as this program's own contract has it, and what is kept of the rest.</summary>
    public static (JsonObject Request, JsonObject Kept) Read(GenroReader reader, GenroForm form)
    {
        var kept = new JsonObject();
        var port = reader.Whole("port", required: true);
        if (port is < 1 or > 65_535)
            reader.Fault("port", "value_error", "Input should be from 1 to 65535");
        var useTls = reader.Flag("use_tls") ?? form.UsualTls;
        var request = new JsonObject
        {
            ["host"] = reader.Text("host", required: true, least: 1, most: 253),
            ["port"] = port,
            ["security"] = Security(useTls, port, form),
            ["limits"] = Limits(reader, kept),
            ["expires_after"] = (int)Lasts.TotalSeconds,
            ["retry_minutes"] = new JsonArray([.. Retry.Minutes.Select(static one => (JsonNode)one)]),
        };
        var (user, password) = (reader.Text("user", most: 512), reader.Text("password", most: 4_096));
        if (user is { Length: > 0 } && password is { Length: > 0 })
            request["auth"] = new JsonObject { ["user"] = user, ["password"] = password };
        Keep(kept, "user", user);
        Keep(kept, "use_tls", useTls);
        Keep(kept, "ttl", reader.Whole("ttl") ?? 300);
        Keep(kept, "batch_size", reader.Whole("batch_size"));
        Keep(kept, "is_pec_account", reader.Flag("is_pec_account"));
        foreach (var member in reader.Root.EnumerateObject().Take(MostMembers))
        {
            if (member.Value.GetRawText().Length > LongestEcho)
                continue;
            if (
                member.Name.StartsWith("imap_", StringComparison.Ordinal)
                && member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False
            )
                kept[member.Name] = JsonNode.Parse(member.Value.GetRawText());
        }

        return (request, kept);
    }

    private static string Security(bool? useTls, long? port, GenroForm form) =>
        (useTls, port) switch
        {
            (false, _) => "none",
            (_, 465) => "tls",
            (true, _) => form.EncryptsEverywhere ? "tls" : "starttls",
            _ => "none",
        };

    private static JsonObject Limits(GenroReader reader, JsonObject kept)
    {
        var limits = new JsonObject { ["count"] = "messages", ["paced"] = false };
        foreach (var time in new[] { "minute", "hour", "day" })
        {
            var limit = reader.Whole("limit_per_" + time);
            Keep(kept, "limit_per_" + time, limit);
            if (limit > 0)
                limits["per_" + time] = Math.Min(limit.Value, 1_000_000_000);
        }

        var behavior = reader.Choice("limit_behavior", "defer", "reject") ?? "defer";
        kept["limit_behavior"] = behavior;
        limits["when_reached"] = behavior == "reject" ? "fail" : "wait";
        return limits;
    }

    public static JsonObject Show(SmtpAccount account, string? kept, (long CreatedAt, long UpdatedAt) times, GenroForm form)
    {
        var shown = new JsonObject { ["id"] = account.Id };
        if (form.NamesTenants)
            shown["tenant_id"] = account.Tenant;
        (shown["host"], shown["port"]) = (account.Host, account.Port);
        if (form.IsBare)
        {
            shown["pk"] = Number(account);
            foreach (var name in Nullable)
                shown[name] = null;
            shown["is_pec_account"] = false;
        }

        var echo = kept is null ? Echo(account) : (JsonObject)JsonNode.Parse(kept)!;
        foreach (var (name, value) in echo)
        {
            if (value is not null && !name.Contains("password", StringComparison.Ordinal))
                shown[name] = value.DeepClone();
        }

        shown["created_at"] = GenroTimes.Iso(times.CreatedAt);
        shown["updated_at"] = GenroTimes.Iso(times.UpdatedAt);
        return shown;
    }

    // One that was made by this program's own API.
    private static JsonObject Echo(SmtpAccount account)
    {
        var echo = new JsonObject { ["ttl"] = 300, ["use_tls"] = account.Security != SmtpSecurity.None };
        Keep(echo, "user", account.User);
        Keep(echo, "limit_per_minute", account.Limits.PerMinute);
        Keep(echo, "limit_per_hour", account.Limits.PerHour);
        Keep(echo, "limit_per_day", account.Limits.PerDay);
        echo["limit_behavior"] = account.Limits.WhenReached == LimitReached.Fail ? "reject" : "defer";
        return echo;
    }

    private static void Keep(JsonObject kept, string name, JsonNode? value)
    {
        if (value is not null)
            kept[name] = value;
    }
}
