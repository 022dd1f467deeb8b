using System.Text.Json.Nodes;

namespace MailProxy.Pipeline.Configuration;

/// <summary>What a kind of resource is made of: its fields, and how a store keeps them.</summary>
/// <param name="Name">One word, as in the audit log: <c>volume</c>.</param>
/// <param name="Table">The store's table.</param>
/// <param name="New">A resource before its fields are read, by tenant and id.</param>
public sealed record Noun<T>(string Name, string Table, FieldList<T> Fields, Func<string, string, T> New)
    where T : class
{
    /// <summary>What is sealed, each in a column of its own.</summary>
    public IReadOnlyList<Sealed<T>> Secrets { get; init; } = [];

    /// <summary>A row that cannot be read spoils the one resource, and not the start of the daemon.</summary>
    public bool SpoilsAlone { get; init; }

    /// <summary>The fields that stand in columns of their own, and not in the row's JSON.</summary>
    public IEnumerable<Field<T>> Columns => Fields.Fields.Where(static one => one.InColumn);

    /// <summary>What the audit log tells of a resource: secrets only as set or not.</summary>
    /// <param name="before">What it replaces, told as secrets that changed; null: nothing.</param>
    public string Audited(T value, T? before = null)
    {
        var told = new JsonObject { ["config"] = Fields.Keep(value, static field => !field.InColumn) };
        foreach (var secret in Secrets)
            told[secret.Told + "_set"] = secret.Get(value) is not null;
        foreach (var column in Columns)
            column.Keep?.Invoke(value, told);
        foreach (var secret in before is null ? [] : Secrets)
            told[secret.Told + "_changed"] = secret.Get(before!) != secret.Get(value);
        return told.ToJsonString();
    }
}

/// <summary>A text that is sealed in a column.</summary>
/// <param name="Told">How the audit log calls it.</param>
public sealed record Sealed<T>(string Column, string Told, Func<T, string?> Get, Func<T, string?, T> Set);
