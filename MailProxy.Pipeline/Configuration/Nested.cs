using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Pipeline.Configuration;

/// <summary>Members that are objects with fields of their own.</summary>
public static class Nested
{
    /// <summary>An object of a type of its own; null: the member is absent.</summary>
    /// <param name="empty">The object before a member is read.</param>
    public static Field<T> Of<T, TInner>(
        string name,
        FieldList<TInner> fields,
        TInner empty,
        Func<T, TInner?> get,
        Func<T, TInner?, T> set,
        string? says = null
    )
        where TInner : class =>
        new(name, new("object") { Object = fields })
        {
            Says = says,
            Bind = (members, now, before) =>
                set(now, members.Object(name) is { } inner ? fields.Bind(inner, empty, before is null ? null : get(before)) : null),
            Show = (value, shown) => Field<T>.Add(shown, name, get(value) is { } inner ? fields.Show(inner) : null),
            Keep = (value, kept) => Field<T>.Add(kept, name, get(value) is { } inner ? fields.Keep(inner) : null),
            Read = (value, kept) => kept.TryGetProperty(name, out var found) ? set(value, ReadOrNull(fields, found, empty)) : value,
        };

    /// <summary>An object that only groups members of the value itself, which a store keeps beside the others.</summary>
    /// <param name="isThere">Whether an answer has it.</param>
    public static Field<T> Group<T>(string name, FieldList<T> fields, Func<T, bool> isThere, string? says = null)
        where T : class =>
        new(name, new("object") { Object = fields })
        {
            Says = says,
            Bind = (members, now, before) => members.Object(name) is { } inner ? fields.Bind(inner, now, before) : now,
            Show = (value, shown) => Field<T>.Add(shown, name, isThere(value) ? fields.Show(value) : null),
            Keep = (value, kept) => Beside(kept, fields.Keep(value)),
            Read = (value, kept) => fields.Read(kept, value),
        };

    /// <summary>An object of members of the value itself, which a store keeps in an object too.</summary>
    /// <param name="isThere">Whether the value has it.</param>
    /// <param name="begin">The value with an empty one.</param>
    public static Field<T> Part<T>(string name, FieldList<T> fields, Func<T, bool> isThere, Func<T, T> begin)
        where T : class =>
        new(name, new("object") { Object = fields })
        {
            Bind = (members, now, before) => members.Object(name) is { } inner ? fields.Bind(inner, begin(now), before) : now,
            Show = (value, shown) => Field<T>.Add(shown, name, isThere(value) ? fields.Show(value) : null),
            Keep = (value, kept) => Field<T>.Add(kept, name, isThere(value) ? fields.Keep(value) : null),
            Read = (value, kept) => kept.TryGetProperty(name, out var found) ? fields.Read(found, begin(value)) : value,
        };

    /// <summary>Puts the members of one object into another.</summary>
    public static void Beside(JsonObject kept, JsonObject more)
    {
        foreach (var (name, value) in more)
            kept[name] = value?.DeepClone();
    }

    private static T? ReadOrNull<T>(FieldList<T> fields, JsonElement kept, T empty)
        where T : class => kept.ValueKind == JsonValueKind.Null ? null : fields.Read(kept, empty);
}
