using System.Globalization;
using System.Text.Json;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Configuration;

/// <summary>
/// Reads a JSON object member by member and gathers every mistake with its pointer. What was never asked for is unknown. No value is ever
/// echoed: it may be a secret.
/// </summary>
public sealed class MemberReader
{
    private const int MostTold = 100;

    private readonly JsonElement _object;
    private readonly string _at;
    private readonly List<FieldError> _errors;
    private readonly HashSet<string> _known = [];

    /// <param name="byAdmin">The admin key asks, which may do what a tenant's may not.</param>
    public MemberReader(JsonElement root, bool byAdmin = false)
        : this(root, "", [], byAdmin) { }

    private MemberReader(JsonElement inner, string at, List<FieldError> errors, bool byAdmin)
    {
        _object = inner;
        _at = at;
        _errors = errors;
        ByAdmin = byAdmin;
    }

    /// <summary>The admin key asks.</summary>
    public bool ByAdmin { get; }

    /// <summary>All mistakes. Asked for after <see cref="Close"/>.</summary>
    public IReadOnlyList<FieldError> Errors => _errors;

    /// <summary>How many were found until now.</summary>
    public int Mistakes => _errors.Count;

    public bool Has(string name) => Find(name) is not null;

    /// <summary>True when the member is there and is null.</summary>
    public bool IsNull(string name)
    {
        _known.Add(name);
        return _object.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Null;
    }

    public string? Text(string name, int maxLength, bool required = false)
    {
        if (Find(name, required) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.String)
            return Fault<string>(name, "invalid_type", "Must be text.");
        var text = value.GetString()!;
        if (text.Length == 0 && required)
            return Fault<string>(name, "required", "Must not be empty.");
        if (text.Length > maxLength)
            return Fault<string>(name, "too_long", $"At most {maxLength} characters.");
        return text.AsSpan().ContainsAny('\r', '\n', '\0')
            ? Fault<string>(name, "invalid_characters", "CR, LF and NUL are not allowed.")
            : text;
    }

    /// <summary>Text as it was written, whatever is in it: whoever reads it judges it.</summary>
    public string? Plain(string name)
    {
        if (Find(name) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : Fault<string>(name, "invalid_type", "Must be text.");
    }

    /// <summary>Reads what this object's members say as credentials.</summary>
    public SourceAuth? Credentials(in CredentialMembers members, KeptSecret kept) =>
        Pipeline.Notation.Credentials.Read(members, _at, _errors, kept);

    /// <summary>Text that may have several lines, such as PEM.</summary>
    /// <param name="objects">A JSON object stands for its own text.</param>
    public string? Lines(string name, int maxLength, bool objects = false)
    {
        if (Find(name) is not { } value)
            return null;
        if (objects && value.ValueKind == JsonValueKind.Object)
            return value.GetRawText() is { } whole && whole.Length <= maxLength ? whole : TooLong(name, maxLength);
        if (value.ValueKind != JsonValueKind.String)
            return Fault<string>(name, "invalid_type", "Must be text.");
        return value.GetString() is { Length: > 0 } text && text.Length <= maxLength ? text : TooLong(name, maxLength);
    }

    private string? TooLong(string name, int maxLength) => Fault<string>(name, "too_long", $"1 to {maxLength} characters.");

    public int? Number(string name, int least, int most, bool required = false)
    {
        if (Find(name, required) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= least && number <= most)
            return number;
        Fault(name, "out_of_range", $"Must be a whole number from {least} to {most}.");
        return null;
    }

    /// <summary>A number of bytes, 1 to <paramref name="most"/>.</summary>
    public long? Bytes(string name, long most, bool required = false)
    {
        if (Find(name, required) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= 1 && number <= most)
            return number;
        Fault(name, "out_of_range", $"Must be a whole number of bytes from 1 to {most}.");
        return null;
    }

    public bool? Flag(string name)
    {
        if (Find(name) is not { } value)
            return null;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return value.GetBoolean();
        Fault(name, "invalid_type", "Must be true or false.");
        return null;
    }

    public T? Choice<T>(string name, IReadOnlyList<(string Name, T Value)> choices, bool required = false)
        where T : struct
    {
        if (Find(name, required) is not { } value)
            return null;
        foreach (var choice in choices)
        {
            if (value.ValueKind == JsonValueKind.String && value.ValueEquals(choice.Name))
                return choice.Value;
        }

        Fault(name, "invalid_choice", $"Must be one of: {string.Join(", ", choices.Select(c => c.Name))}.");
        return null;
    }

    public long? Time(string name, bool required = false)
    {
        if (Find(name, required) is not { } value)
            return null;
        if (Timestamps.TryRead(value, out var time))
            return time;
        Fault(name, Timestamps.Code, Timestamps.Rule);
        return null;
    }

    /// <summary>An address that can be asked, or null and the mistake told.</summary>
    /// <param name="query">Whether it may have one.</param>
    /// <param name="existing">What is stored: kept when a client sends back what it was shown of it.</param>
    public Uri? Url(string name, bool required, bool query, string? existing = null)
    {
        if (ShownUrl.Kept(Text(name, Shape.LongestUrl, required), existing) is not { } text)
            return null;
        var (address, fault) = HttpAddress.Read(text);
        if (address is not null && text.Contains('#'))
            fault = "A fragment (#) is never sent: leave it out.";
        else if (address is not null && !query && text.Contains('?'))
            fault = "A query (?) does not belong here: what is asked for is appended to the path.";
        if (fault is null)
            return address;
        Fault(name, "invalid_url", fault);
        return null;
    }

    public IReadOnlyList<string> Texts(string name, int maxCount, Func<string, string?> fault)
    {
        if (Find(name) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array)
            return Fault<string[]>(name, "invalid_type", "Must be a list of texts.") ?? [];
        if (value.GetArrayLength() > maxCount)
            return Fault<string[]>(name, "too_many", $"At most {maxCount} entries.") ?? [];

        var texts = new List<string>();
        foreach (var item in value.EnumerateArray())
        {
            var text = item.ValueKind == JsonValueKind.String ? item.GetString() : null;
            var wrong = text is null ? "Must be text." : fault(text);
            if (wrong is not null)
                Fault($"{name}/{texts.Count}", "invalid_entry", wrong);
            texts.Add(text ?? "");
        }

        return texts;
    }

    /// <summary>A list of 1 to <paramref name="maxCount"/> numbers; null when absent.</summary>
    public IReadOnlyList<double>? Numbers(string name, int maxCount, double least, double most)
    {
        if (Find(name) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Array)
            return Fault<double[]>(name, "invalid_type", "Must be a list of numbers.");
        if (value.GetArrayLength() is var count && (count == 0 || count > maxCount))
            return Fault<double[]>(name, "out_of_range", $"Must have 1 to {maxCount} entries.");

        var numbers = new List<double>();
        foreach (var item in value.EnumerateArray())
        {
            var number = item.ValueKind == JsonValueKind.Number ? item.GetDouble() : double.NaN;
            if (!(number >= least && number <= most))
                Fault(
                    $"{name}/{numbers.Count}",
                    "invalid_entry",
                    string.Create(CultureInfo.InvariantCulture, $"Must be a number from {least} to {most}.")
                );
            numbers.Add(number);
        }

        return _errors.Count == 0 ? numbers : null;
    }

    /// <summary>A list of at most so many; null when it is absent or none. The caller reads its items.</summary>
    public JsonElement? Array(string name, int maxCount, bool required = false)
    {
        if (Find(name, required) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= maxCount)
            return value;
        if (value.ValueKind == JsonValueKind.Array)
            Fault(name, "too_many", $"At most {maxCount} entries.");
        else
            Fault(name, "invalid_type", "Must be a list.");
        return null;
    }

    /// <summary>An object whose members have names that the client chooses, at most so many; null when it is absent or none. The caller
    /// reads them.</summary>
    public JsonElement? Map(string name, int maxCount)
    {
        if (Find(name) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Object)
            Fault(name, "invalid_type", "Must be an object.");
        else if (value.GetPropertyCount() > maxCount)
            Fault(name, "too_many", $"At most {maxCount} members.");
        else
            return value;
        return null;
    }

    /// <summary>An object in a list, at this place below the reader's object. The caller closes it.</summary>
    public MemberReader At(string place, JsonElement inner) => new(inner, $"{_at}/{place}", _errors, ByAdmin);

    /// <summary>A nested object, or null when absent. The caller closes it.</summary>
    public MemberReader? Object(string name)
    {
        if (Find(name) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Object)
            return new(value, $"{_at}/{name}", _errors, ByAdmin);
        return Fault<MemberReader>(name, "invalid_type", "Must be an object.");
    }

    /// <summary>Members of the GET form that cannot be set: let through, so that what was read can be put back.</summary>
    public void ReadOnly(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            _known.Add(name);
    }

    /// <summary>Refuses what was never asked for.</summary>
    public void Close()
    {
        foreach (var member in _object.EnumerateObject())
        {
            if (!_known.Contains(member.Name))
                Fault(JsonPointer.Escape(member.Name), "unknown_field", "There is no such field.");
        }
    }

    public void Fault(string name, string code, string detail)
    {
        // The rest of a thousand mistakes tells nobody more.
        if (_errors.Count < MostTold)
            _errors.Add(new(JsonPointer.Short($"{_at}/{name}"), code, detail));
    }

    private T? Fault<T>(string name, string code, string detail)
        where T : class
    {
        Fault(name, code, detail);
        return null;
    }

    // Null is the same as absent; where it means "remove", the caller asks IsNull.
    private JsonElement? Find(string name, bool required = false)
    {
        _known.Add(name);
        if (_object.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null)
            return value;
        if (required)
            Fault(name, "required", "This field is required.");
        return null;
    }
}
