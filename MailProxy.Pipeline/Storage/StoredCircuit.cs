using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>A circuit as it is stored. What was written by anybody else is no reason to hold an account back for long.</summary>
public static class StoredCircuit
{
    private const int LongestText = 1000;

    private const long Last = 253_402_300_799_999; // 9999-12-31

    // A rule may ask for 30 days.
    private const long Longest = 31L * 86_400_000;

    public static string Write(Circuit circuit) =>
        new JsonObject
        {
            ["kind"] = circuit.Trouble.Kind.ToString(),
            ["since"] = circuit.Since,
            ["from"] = circuit.From,
            ["until"] = circuit.Until,
            ["failures"] = circuit.Failures,
            ["version"] = circuit.Version,
            ["told"] = new JsonArray([.. circuit.Told.Select(static type => (JsonNode)type.Name())]),
            ["smtp_code"] = circuit.Trouble.SmtpCode,
            ["enhanced_code"] = circuit.Trouble.EnhancedCode,
            ["reply"] = Cut(circuit.Trouble.Reply),
            ["rule"] = circuit.Trouble.Rule,
            ["remedy"] = circuit.Trouble.Remedy,
            ["customer"] = circuit.Trouble.Customer,
            ["via"] = circuit.Trouble.Via,
        }.ToJsonString();

    /// <summary>Null: it is damaged.</summary>
    public static Circuit? Read(AccountKey account, string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            var circuit = new Circuit
            {
                Trouble = new(
                    account,
                    Enum.Parse<TroubleKind>(root.GetProperty("kind").GetString()!),
                    root.GetProperty("smtp_code") is { ValueKind: JsonValueKind.Number } code ? code.GetInt32() : null,
                    Text(root, "enhanced_code"),
                    Text(root, "reply") ?? ""
                )
                {
                    Rule = Text(root, "rule"),
                    Remedy = Text(root, "remedy"),
                    Customer = Text(root, "customer"),
                    Via = Text(root, "via"),
                },
                Since = root.GetProperty("since").GetInt64(),
                From = root.GetProperty("from").GetInt64(),
                Until = root.GetProperty("until").GetInt64(),
                Failures = root.GetProperty("failures").GetInt32(),
                Version = root.GetProperty("version").GetInt64(),
                Told =
                [
                    .. root.GetProperty("told")
                        .EnumerateArray()
                        .Select(static name => EventNames.All.Find(name.GetString()))
                        .OfType<EventType>(),
                ],
            };
            var isSane =
                Enum.IsDefined(circuit.Trouble.Kind)
                && circuit is { Since: > 0, Failures: > 0 }
                && circuit.Since <= circuit.From
                && circuit.From <= circuit.Until
                && circuit.Until - circuit.From <= Longest
                && circuit.Until < Last;
            return isSane ? circuit : null;
        }
        catch (Exception error)
            when (error
                    is JsonException
                        or KeyNotFoundException
                        or InvalidOperationException
                        or FormatException
                        or ArgumentException
                        or OverflowException
            )
        {
            return null;
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.GetProperty(name) is { ValueKind: JsonValueKind.String } text ? Cut(text.GetString()!) : null;

    private static string Cut(string text) => text.Length > LongestText ? text[..LongestText] : text;
}
