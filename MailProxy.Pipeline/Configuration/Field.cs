using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Pipeline.Configuration;

/// <summary>One member of an object, told once: its name, its form, and how it gets out of and into <typeparamref name="T"/>.</summary>
public sealed record Field<T>(string Name, Shape Shape) : Member(Name, Shape)
{
    /// <summary>Reads it as a client wrote it: the object so far, and what was there before. Null: nobody writes it.</summary>
    public Func<MemberReader, T, T?, T>? Bind { get; init; }

    public Action<T, JsonObject>? Show { get; init; }
    public Action<T, JsonObject>? Keep { get; init; }
    public Func<T, JsonElement, T>? Read { get; init; }

    /// <summary>What the audit log tells of it; absent: as it is kept.</summary>
    public Action<T, JsonObject>? Tell
    {
        get => field ?? Keep;
        init;
    }

    /// <param name="stored">Its name in the store, where that is another.</param>
    public static Field<T> Of<TValue>(
        string name,
        Form<TValue> form,
        Func<T, TValue> get,
        Func<T, TValue, T> set,
        bool required = false,
        string? says = null,
        string? stored = null
    ) =>
        new(name, form.Shape)
        {
            Required = required,
            Says = says,
            Bind = (members, now, _) => set(now, form.Bind(members, name, required)),
            Show = (value, shown) => Add(shown, name, form.Write(get(value))),
            Keep = (value, kept) => Add(kept, stored ?? name, form.Write(get(value))),
            Read = (value, kept) => kept.TryGetProperty(stored ?? name, out var found) ? set(value, form.Read(found)) : value,
        };

    /// <summary>The resource's id, which a request may repeat.</summary>
    public static Field<T> Id(Func<T, string> get) =>
        Answered("id", Shape.ObjectId, value => get(value)) with
        {
            Always = true,
            Bind = (members, now, _) =>
            {
                if (members.Text("id", 63) is { } given && given != get(now))
                    members.Fault("id", "mismatch", "Must be the id in the path.");
                return now;
            },
        };

    /// <summary>A member that only answers have: of the value itself, or (null) given by whoever answers.</summary>
    public static Field<T> Answered(string name, Shape shape, Func<T, JsonNode?>? get = null) =>
        new(name, shape) { Use = FieldUse.Answers, Show = get is null ? null : (value, shown) => Add(shown, name, get(value)) };

    /// <summary>A secret. It is kept when it is absent, unless what it would be sent to has changed.</summary>
    public static Field<T> SecretOf(
        string name,
        int most,
        Func<T, string?> get,
        Func<T, string?, T> set,
        SecretRules<T> rules,
        string? says = null
    ) =>
        new(name, Shape.Text with { Longest = most })
        {
            Secret = true,
            Says = says,
            Bind = (members, now, before) => set(now, rules.Read(members, name, most, now, before, get)),
            Show = (value, shown) => shown[name + "_set"] = get(value) is not null,
        };

    internal static void Add(JsonObject json, string name, JsonNode? value)
    {
        if (value is not null)
            json[name] = value;
    }
}
