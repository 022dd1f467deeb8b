using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Pipeline.Configuration;

/// <summary>The members of a JSON object: the only list of them. Requests, answers, documents and stored rows are made from it.</summary>
/// <param name="Name">As the documents call the object; a request of it has <c>Request</c> behind.</param>
public sealed record FieldList<T>(string Name, IReadOnlyList<Field<T>> Fields) : IFieldList
{
    public string? Says { get; init; }
    public string? Shown { get; init; }
    public bool Loose { get; init; }

    /// <summary>What concerns several fields: tells mistakes, and gives back what is taken. By what was there; null: nothing.</summary>
    public Func<MemberReader, T, T?, T>? Rules { get; init; }

    IEnumerable<Member> IFieldList.Members => Fields;

    /// <summary>Reads what a client wrote over what is there, and refuses members that there are not.</summary>
    /// <param name="empty">The object before a member is read.</param>
    /// <param name="before">What is there, whose secrets may be kept; null: nothing.</param>
    public T Bind(MemberReader members, T empty, T? before)
    {
        var value = empty;
        foreach (var field in Fields)
        {
            if (field.Bind is not null)
                value = field.Bind(members, value, before);
            else if (field.Use != FieldUse.Stored)
                members.ReadOnly(field.Name);
        }

        value = Rules is null ? value : Rules(members, value, before);
        members.Close();
        return value;
    }

    /// <summary>As it is answered: secrets only as set or not, absent when null.</summary>
    /// <param name="given">The members that are no part of the value, by name.</param>
    public JsonObject Show(T value, IReadOnlyDictionary<string, JsonNode?>? given = null)
    {
        var shown = new JsonObject();
        foreach (var field in Fields)
        {
            field.Show?.Invoke(value, shown);
            if (given?.GetValueOrDefault(field.Name) is { } more)
                shown[field.Name] = more;
        }

        return shown;
    }

    /// <summary>As stores keep it, without secrets.</summary>
    public JsonObject Keep(T value, Func<Field<T>, bool>? which = null)
    {
        var kept = new JsonObject();
        foreach (var field in which is null ? Fields : Fields.Where(which))
            field.Keep?.Invoke(value, kept);
        return kept;
    }

    /// <summary>Reads what <see cref="Keep"/> wrote, also in an earlier version.</summary>
    public T Read(JsonElement kept, T empty, Func<Field<T>, bool>? which = null)
    {
        var value = empty;
        foreach (var field in which is null ? Fields : Fields.Where(which))
            value = field.Read is null ? value : field.Read(value, kept);
        return value;
    }
}

/// <summary>A list of fields as the documents see it.</summary>
public interface IFieldList
{
    string Name { get; }

    /// <summary>The sentence of a request; null: none.</summary>
    string? Says { get; }

    /// <summary>The sentence of an answer; null: none.</summary>
    string? Shown { get; }

    /// <summary>Which members there are depends on another one: none is required, none is always there.</summary>
    bool Loose { get; }

    IEnumerable<Member> Members { get; }
}
