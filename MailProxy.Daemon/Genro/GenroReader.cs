using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Daemon.Genro;

/// <summary>
/// Reads a JSON object member by member and gathers every mistake with its place. As genro-mail-proxy does, it ignores members that it was
/// not asked for, takes digits for numbers and words for booleans; null is the same as absent.
/// </summary>
internal sealed class GenroReader(JsonElement inner, IReadOnlyList<object> place, List<GenroMistake> mistakes)
{
    /// <summary>What is said of a member that is there and null, and must not be.</summary>
    public const string NotNull = "Input should not be null";

    private const int MostMistakes = 50;

    public GenroReader(JsonElement root)
        : this(root, ["body"], []) { }

    public IReadOnlyList<GenroMistake> Mistakes => mistakes;

    public JsonElement Root => inner;

    /// <summary>The member, if it is there and not null.</summary>
    public JsonElement? Find(string name) =>
        inner.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public bool Has(string name) => inner.TryGetProperty(name, out _);

    public string? Text(string name, bool required = false, int least = 0, int most = int.MaxValue)
    {
        if (Wanted(name, required) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.String)
            return Fault<string>(name, "string_type", "Input should be a valid string");
        var text = value.GetString()!;
        if (text.Length < least)
            return Fault<string>(name, "string_too_short", $"String should have at least {least} character{(least == 1 ? "" : "s")}");
        return text.Length <= most ? text : Fault<string>(name, "string_too_long", $"String should have at most {most} characters");
    }

    public long? Whole(string name, bool required = false)
    {
        if (Wanted(name, required) is not { } value)
            return null;
        if (Number(value) is { } number && number == Math.Floor(number) && Math.Abs(number) < 9e15)
            return (long)number;
        Fault(name, "int_parsing", "Input should be a valid integer, unable to parse string as an integer");
        return null;
    }

    public double? Real(string name)
    {
        if (Wanted(name, required: false) is not { } value)
            return null;
        if (Number(value) is { } number)
            return number;
        Fault(name, "float_parsing", "Input should be a valid number, unable to parse string as a number");
        return null;
    }

    public bool? Flag(string name)
    {
        if (Wanted(name, required: false) is not { } value)
            return null;
        var read = value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Number => Word(value.GetRawText()),
            JsonValueKind.String => Word(value.GetString()!),
            _ => null,
        };
        if (read is null)
            Fault(name, "bool_parsing", "Input should be a valid boolean, unable to interpret input");
        return read;
    }

    public string? Choice(string name, params ReadOnlySpan<string> choices)
    {
        if (Wanted(name, required: false) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.String && choices.Contains(value.GetString()!))
            return value.GetString();
        var listed = string.Join(", ", choices.ToArray().Select(static one => $"'{one}'"));
        return Fault<string>(name, "literal_error", $"Input should be {listed}");
    }

    public GenroReader? Object(string name, bool required = false)
    {
        if (Wanted(name, required) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.Object
            ? new(value, [.. place, name], mistakes)
            : Fault<GenroReader>(name, "dict_type", "Input should be a valid dictionary");
    }

    /// <summary>The elements of a list; null when it is absent or none.</summary>
    public JsonElement? List(string name, bool required = false)
    {
        if (Wanted(name, required) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Array)
            return value;
        Fault(name, "list_type", "Input should be a valid list");
        return null;
    }

    /// <summary>The elements of a list of texts; empty when it is absent.</summary>
    public IReadOnlyList<string> Texts(string name, bool required = false)
    {
        var texts = new List<string>();
        if (List(name, required) is not { } list)
            return texts;
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.String)
                texts.Add(item.GetString()!);
            else
                Fault(name, index, "string_type", "Input should be a valid string");
            index++;
        }

        return texts;
    }

    /// <summary>An object of a list.</summary>
    public GenroReader? At(string name, int index, JsonElement item)
    {
        if (item.ValueKind == JsonValueKind.Object)
            return new(item, [.. place, name, index], mistakes);
        Note(new("dict_type", [.. place, name, index], "Input should be a valid dictionary", null));
        return null;
    }

    public void Fault(string name, string type, string message) => Note(new(type, [.. place, name], message, Shown(name)));

    public void Fault(string name, int index, string type, string message) => Note(new(type, [.. place, name, index], message, null));

    /// <summary>
    /// Tells one more mistake. Of very many the first ones are told: they cost more memory than the request that has them.
    /// </summary>
    public void Note(GenroMistake mistake)
    {
        if (mistakes.Count < MostMistakes)
            mistakes.Add(mistake);
    }

    /// <summary>A word for a boolean.</summary>
    public static bool? Word(string text) =>
        text.ToLowerInvariant() switch
        {
            "true" or "1" or "yes" or "on" or "t" or "y" => true,
            "false" or "0" or "no" or "off" or "f" or "n" => false,
            _ => null,
        };

    private static double? Number(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Number when double.IsFinite(value.GetDouble()) => value.GetDouble(),
            JsonValueKind.String
                when double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var read)
                    && double.IsFinite(read) => read,
            _ => null,
        };

    private JsonElement? Wanted(string name, bool required)
    {
        if (Find(name) is { } value)
            return value;
        if (!required)
            return null;
        if (Has(name))
            Fault(name, "string_type", NotNull);
        else
            Note(GenroMistake.Missing([.. place, name]));
        return null;
    }

    private T? Fault<T>(string name, string type, string message)
        where T : class
    {
        Fault(name, type, message);
        return null;
    }

    // Never an object or a long text, and nothing that may be a secret.
    private JsonNode? Shown(string name) =>
        Find(name) is not { ValueKind: JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False } value
        || name is "password" or "token" or "imap_password" or "bounce_imap_password"
            ? null
        : value.GetRawText().Length <= 200 ? JsonNode.Parse(value.GetRawText())
        : null;
}
