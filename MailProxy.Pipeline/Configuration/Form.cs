using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Configuration;

/// <summary>How a value is written as JSON: by clients, whose mistakes are told, and by stores.</summary>
/// <param name="Bind">Reads a member by its name; null, or none, when it is absent or wrong.</param>
/// <param name="Write">Null: the member is absent.</param>
/// <param name="Read">Of a stored row.</param>
public sealed record Form<T>(Shape Shape, Func<MemberReader, string, bool, T> Bind, Func<T, JsonNode?> Write, Func<JsonElement, T> Read)
{
    /// <summary>The same JSON for another type.</summary>
    public Form<TOther> As<TOther>(Func<T, TOther> from, Func<TOther, T> to) =>
        new(Shape, (members, name, required) => from(Bind(members, name, required)), value => Write(to(value)), json => from(Read(json)));

    /// <summary>A value that is there and has a fault is told, with its code.</summary>
    public Form<T> Checked(string code, Func<T, string?> fault) =>
        this with
        {
            Bind = (members, name, required) =>
            {
                var value = Bind(members, name, required);
                if (value is not null && fault(value) is { } detail)
                    members.Fault(name, code, detail);
                return value;
            },
        };
}

/// <summary>The forms there are.</summary>
public static class Forms
{
    public static readonly Form<bool?> Flag = new(
        Shape.Flag,
        static (members, name, _) => members.Flag(name),
        static value => value is { } flag ? JsonValue.Create(flag) : null,
        static json => json.GetBoolean()
    );

    public static Form<string?> Text(int most) =>
        new(
            Shape.Text with
            {
                Longest = most,
            },
            (members, name, required) => members.Text(name, most, required),
            Node,
            static json => json.GetString()
        );

    /// <summary>The id of another resource.</summary>
    public static readonly Form<string?> ObjectId = Text(63)
        .Checked("invalid_id", static id => IdSyntax.IsObjectId(id!) ? null : $"Must be an id: {IdSyntax.ObjectRule}.") with
    {
        Shape = Shape.ObjectId,
    };

    /// <summary>A number of bytes, 1 to <paramref name="most"/>.</summary>
    public static Form<long?> Bytes(long most) =>
        new(
            Shape.Whole(1, most, "int64"),
            (members, name, required) => members.Bytes(name, most, required),
            static value => value is { } number ? JsonValue.Create(number) : null,
            static json => json.GetInt64()
        );

    /// <summary>A list of 1 to <paramref name="most"/> numbers.</summary>
    public static Form<IReadOnlyList<double>?> Numbers(int most, double least, double greatest) =>
        new(
            new("array")
            {
                Items = Shape.Decimal with { Least = (decimal)least, Most = (decimal)greatest },
                Fewest = 1,
                MostItems = most,
            },
            (members, name, _) => members.Numbers(name, most, least, greatest),
            static value => value is null ? null : new JsonArray([.. value.Select(static number => (JsonNode)number)]),
            static json => [.. json.EnumerateArray().Select(static number => number.GetDouble())]
        );

    /// <summary>A list of texts.</summary>
    public static Form<IReadOnlyList<string>> Texts(int most, Func<string, string?> fault) =>
        new(
            Shape.Texts with
            {
                MostItems = most,
            },
            (members, name, _) => members.Texts(name, most, fault),
            static value => new JsonArray([.. value.Select(static text => (JsonNode)text)]),
            static json => [.. json.EnumerateArray().Select(static text => text.GetString()!)]
        );

    /// <summary>An instant, to clients as text; a store keeps Unix milliseconds, see <see cref="Instant"/>.</summary>
    public static readonly Form<long?> Time = new(
        Shape.Time,
        static (members, name, required) => members.Time(name, required),
        static value => value is { } at ? JsonValue.Create(at) : null,
        static json => json.GetInt64()
    );

    public static Form<int?> Whole(int least, int most) =>
        new(
            Shape.Whole(least, most),
            (members, name, required) => members.Number(name, least, most, required),
            static value => value is { } number ? JsonValue.Create(number) : null,
            static json => json.GetInt32()
        );

    /// <summary>One of several words. A stored word that is none of them is refused: it must not mean less than its writer meant.</summary>
    public static Form<T?> Choice<T>(IReadOnlyList<(string Name, T Value)> choices)
        where T : struct =>
        new(
            Shape.Text with
            {
                Choices = [.. choices.Select(static choice => choice.Name)],
            },
            (members, name, required) => members.Choice(name, choices, required),
            value => value is { } one ? Node(choices.First(choice => choice.Value.Equals(one)).Name) : null,
            json =>
                choices.Where(choice => json.ValueEquals(choice.Name)).Select(static choice => (T?)choice.Value).FirstOrDefault()
                ?? throw new UnreadableResourceException($"'{json}' is none of {string.Join(", ", choices.Select(c => c.Name))}.")
        );

    /// <param name="query">Whether the address may have one.</param>
    public static Form<Uri?> Url(bool query) =>
        new(
            Shape.Url,
            (members, name, required) => members.Url(name, required, query),
            static value => Node(value?.OriginalString),
            static json => HttpAddress.Stored(json.GetString()!)
        );

    /// <summary>Unix milliseconds as answers show them.</summary>
    public static JsonNode? Instant(long? at) =>
        at is { } milliseconds ? JsonValue.Create(DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).UtcDateTime) : null;

    public static JsonNode? Node(string? text) => text is null ? null : JsonValue.Create(text);
}
