using System.Globalization;
using System.Text.Json;

namespace MailProxy.Pipeline.Profiles;

/// <summary>Reads the members of a JSON object, and notes each mistake with its place and what to write instead.</summary>
internal sealed class ProfileMembers(JsonElement element, string pointer, Action<string, string> mistake)
{
    private readonly List<string> _known = [];

    /// <summary>Whether the member is there; a member that was asked for is a known one.</summary>
    public bool Has(string name) => Find(name) is not null;

    public string? Text(string name, int longest, bool required = false)
    {
        if (Find(name) is not { } value)
        {
            if (required)
                Add(name, "is missing.");
            return null;
        }

        if (value.ValueKind != JsonValueKind.String || value.GetString() is not { Length: > 0 } text || text.Length > longest)
        {
            Add(name, string.Create(CultureInfo.InvariantCulture, $"must be a text of 1 to {longest} characters."));
            return null;
        }

        return text;
    }

    public int? Number(string name, int least, int most)
    {
        if (Find(name) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= least && number <= most)
            return number;
        Add(name, string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {least} to {most}."));
        return null;
    }

    public double? Share(string name, double least, double most)
    {
        if (Find(name) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var share) && share >= least && share <= most)
            return share;
        Add(name, string.Create(CultureInfo.InvariantCulture, $"must be a number from {least} to {most}."));
        return null;
    }

    public bool Flag(string name)
    {
        if (Find(name) is not { } value)
            return false;
        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            Add(name, "must be true or false.");
        return value.ValueKind == JsonValueKind.True;
    }

    public TimeSpan? Time(string name, TimeSpan most)
    {
        if (Find(name) is not { } value)
            return null;
        if (RuleTime.Parse(value) is { } time && time <= most)
            return time;
        Add(name, RuleTime.Form(most));
        return null;
    }

    /// <summary>One time, or a list of up to 10.</summary>
    public IReadOnlyList<TimeSpan> Times(string name, TimeSpan most) =>
        Several<TimeSpan>(
            name,
            10,
            value => RuleTime.Parse(value) is { } time && time <= most ? (time, null) : (default, RuleTime.Form(most))
        );

    /// <summary>One of the names of a closed set.</summary>
    public T? Named<T>(string name, Names<T> names, bool required = false)
        where T : struct
    {
        if (Find(name) is not { } value)
        {
            if (required)
                Add(name, $"is missing: one of {names.Listed}.");
            return null;
        }

        var found = value.ValueKind == JsonValueKind.String ? names.Find(value.GetString()) : null;
        if (found is null)
            Add(name, $"must be one of {names.Listed}.");
        return found;
    }

    /// <summary>One value, or a list of up to <paramref name="most"/>; what is not understood is noted and left out.</summary>
    public IReadOnlyList<T> Several<T>(string name, int most, Func<JsonElement, (T Value, string? Mistake)> parse)
    {
        if (Find(name) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array)
            return Take(parse(value), Pointer(name)) is [var one] ? [one] : [];
        if (value.GetArrayLength() is 0 || value.GetArrayLength() > most)
        {
            Add(name, string.Create(CultureInfo.InvariantCulture, $"must be one value, or a list of 1 to {most}."));
            return [];
        }

        return [.. value.EnumerateArray().SelectMany((one, i) => Take(parse(one), $"{Pointer(name)}/{i}"))];
    }

    /// <summary>The objects of a list.</summary>
    public IReadOnlyList<ProfileMembers> Objects(string name, int most)
    {
        if (Find(name) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > most)
        {
            Add(name, string.Create(CultureInfo.InvariantCulture, $"must be a list of at most {most} objects."));
            return [];
        }

        return [.. value.EnumerateArray().Select((one, i) => Object(one, $"{Pointer(name)}/{i}")).OfType<ProfileMembers>()];
    }

    /// <summary>Null when it is not there.</summary>
    public ProfileMembers? Object(string name) => Find(name) is { } value ? Object(value, Pointer(name)) : null;

    /// <summary>Notes a mistake at a member, or with an empty name at the whole.</summary>
    public void Add(string name, string what) => mistake(name.Length == 0 ? pointer : Pointer(name), what);

    /// <summary>Notes the members that nobody asked for.</summary>
    public void End()
    {
        foreach (var member in element.EnumerateObject().Where(member => !_known.Contains(member.Name)))
            Add(member.Name, $"is unknown. Known here: {string.Join(", ", _known.Order(StringComparer.Ordinal))}.");
    }

    private ProfileMembers? Object(JsonElement value, string at)
    {
        if (value.ValueKind == JsonValueKind.Object)
            return new(value, at, mistake);
        mistake(at, "must be an object: { … }.");
        return null;
    }

    private T[] Take<T>((T Value, string? Mistake) parsed, string at)
    {
        if (parsed.Mistake is not { } wrong)
            return [parsed.Value];
        mistake(at, wrong);
        return [];
    }

    private JsonElement? Find(string name)
    {
        if (!_known.Contains(name))
            _known.Add(name);
        return element.TryGetProperty(name, out var value) ? value : null;
    }

    private string Pointer(string name) => JsonPointer.Member(pointer, name);
}
