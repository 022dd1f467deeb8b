using System.Globalization;
using System.Text.Json.Nodes;

namespace MailProxy.Daemon.Presets;

/// <summary>Parts of account documents that presets are made of. Pure.</summary>
internal static class PresetAccounts
{
    public const int Submission = 587;
    public const int Implicit = 465;

    /// <summary>An account that logs in with user and password over STARTTLS.</summary>
    public static JsonObject Of(string host, string user, string password, params string[] from) =>
        new()
        {
            ["host"] = host,
            ["port"] = Submission,
            ["security"] = "starttls",
            ["auth"] = new JsonObject { ["user"] = user, ["password"] = password },
            ["from_allowed"] = new JsonArray([.. from.Select(static one => (JsonNode)one)]),
        };

    public static JsonObject With(this JsonObject account, string name, JsonNode value)
    {
        account[name] = value;
        return account;
    }

    public static JsonObject Limits(int? perMinute = null, int? perDay = null, bool messages = false)
    {
        var limits = new JsonObject();
        if (perMinute is { } minute)
            limits["per_minute"] = minute;
        if (perDay is { } day)
            limits["per_day"] = day;
        if (messages)
            limits["count"] = "messages";
        return limits;
    }

    public static JsonObject Microsoft(PresetValues values)
    {
        var account = new JsonObject
        {
            ["host"] = "smtp.office365.com",
            ["port"] = Submission,
            ["security"] = "starttls",
            ["auth"] = new JsonObject
            {
                ["user"] = values[PresetFields.Address],
                ["oauth2"] = new JsonObject
                {
                    ["preset"] = "microsoft",
                    ["tenant_id"] = values[PresetFields.Directory],
                    ["client_id"] = values[PresetFields.ClientId],
                    ["client_secret"] = values[PresetFields.Password],
                },
            },
            ["limits"] = Limits(perMinute: 30, perDay: 10_000),
            ["max_connections"] = 3,
            ["from_allowed"] = new JsonArray(values[PresetFields.Address]),
        };
        if (values.Has(PresetFields.SecretExpires))
            account["secret_expires_at"] = values[PresetFields.SecretExpires] + "T00:00:00Z";
        return account;
    }

    public static JsonObject Generic(PresetValues values)
    {
        var port = values.Has(PresetFields.Port) ? int.Parse(values[PresetFields.Port], CultureInfo.InvariantCulture) : Submission;
        var account = new JsonObject
        {
            ["host"] = values[PresetFields.Host],
            ["port"] = port,
            ["security"] =
                values.Has(PresetFields.Security) ? values[PresetFields.Security]
                : port == Implicit ? "tls"
                : "starttls",
        };
        if (values.Has(PresetFields.User))
            account["auth"] = new JsonObject { ["user"] = values[PresetFields.User], ["password"] = values[PresetFields.Password] };
        if (values.Has(PresetFields.From))
            account["from_allowed"] = new JsonArray(values[PresetFields.From]);
        return account;
    }
}
