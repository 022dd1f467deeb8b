using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Pipeline.Configuration;

/// <summary>An object that has one of several lists of fields, by a word that stands beside it.</summary>
/// <param name="NameOf">The word of an object.</param>
public sealed record Variants<T>(string Name, Func<T, string> NameOf, IReadOnlyList<Variant<T>> All) : IFieldList
    where T : class
{
    public string? Says { get; init; }
    public string? Shown { get; init; }
    public bool Loose => true;

    public IEnumerable<Member> Members => All.SelectMany(static variant => variant.Fields.Members);

    public IReadOnlyList<(string Name, int Value)> Words => [.. All.Select(static (variant, i) => (variant.Name, i))];

    /// <summary>The variant that an object is of.</summary>
    public Variant<T> Of(T value) => All.First(variant => variant.Name == NameOf(value));

    /// <summary>Its place among the variants.</summary>
    public int IndexOf(T value) => All.TakeWhile(variant => variant.Name != NameOf(value)).Count();
}

/// <summary>One of several lists of fields.</summary>
/// <param name="Empty">The object before a member is read.</param>
/// <param name="Bind">By the empty object, and by what was there; null: nothing of this variant.</param>
public sealed record Variant<T>(
    string Name,
    IFieldList Fields,
    T Empty,
    Func<MemberReader, T?, T> Bind,
    Func<T, JsonObject> Show,
    Func<T, JsonObject> Keep,
    Func<JsonElement, T> Read
)
    where T : class
{
    public static Variant<T> Of<TOne>(string name, TOne empty, FieldList<TOne> fields)
        where TOne : class, T =>
        new(
            name,
            fields,
            empty,
            (members, before) => fields.Bind(members, empty, before as TOne),
            value => fields.Show((TOne)value),
            value => fields.Keep((TOne)value),
            kept => fields.Read(kept, empty)
        );
}
