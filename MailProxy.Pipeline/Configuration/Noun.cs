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

    /// <summary>The row keeps in one JSON column what has no column of its own; false: every field has one.</summary>
    public bool HasConfig { get; init; } = true;

    /// <summary>The row notes when it was created and changed.</summary>
    public bool IsDated { get; init; } = true;

    /// <summary>It is a tenant itself: its row names no other.</summary>
    public bool IsTenant { get; init; }

    /// <summary>The store gives each a number, and never the same again.</summary>
    public bool IsNumbered { get; init; }

    /// <summary>The row of a deleted one stays, without secrets, because others name its number.</summary>
    public bool LeavesTombstone { get; init; }

    /// <summary>Puts in what the store gives: number (0: it gives none) and version.</summary>
    public Func<T, int, long, T> Stamp { get; init; } = static (value, _, _) => value;

    /// <summary>The fields that stand in columns of their own, and not in the row's JSON.</summary>
    public IEnumerable<Field<T>> Columns => Fields.Fields.Where(static one => one.InColumn);

    /// <summary>How the audit log calls a resource.</summary>
    public string Subject(string tenant, string id) => IsTenant ? $"{Name}/{id}" : $"{Name}/{tenant}/{id}";

    /// <summary>What a secret is sealed for. No part may contain a slash, so no two resources share this.</summary>
    public string OwnerOf(Sealed<T> secret, string tenant, string id, int number) =>
        (IsNumbered && !IsTenant ? $"{Name}/{number}" : Subject(tenant, id)) + "/" + secret.Owned;

    /// <summary>What the audit log tells of a resource: secrets only as set or not.</summary>
    /// <param name="before">What it replaces, told as secrets that changed; null: nothing.</param>
    public JsonObject Audited(T value, T? before = null)
    {
        var told = new JsonObject();
        var config = HasConfig ? new JsonObject() : told;
        foreach (var field in Fields.Fields.Where(static one => !one.InColumn))
            field.Tell?.Invoke(value, config);
        if (HasConfig)
            told["config"] = config;
        var secrets = Secrets.Where(static one => one.Told is not null).ToArray();
        foreach (var secret in secrets.Where(static one => !one.Always))
            told[secret.Told + "_set"] = secret.Get(value) is not null;
        foreach (var column in Columns)
            column.Tell?.Invoke(value, told);
        foreach (var secret in before is null ? [] : secrets)
            told[secret.Told + "_changed"] = secret.Get(before!) != secret.Get(value);
        return told;
    }
}

/// <summary>A text that is sealed in a column.</summary>
/// <param name="Told">How the audit log calls it; null: it says nothing of it.</param>
public sealed record Sealed<T>(string Column, string? Told, Func<T, string?> Get, Func<T, string?, T> Set)
{
    /// <summary>There always is one, so that only its change is worth telling.</summary>
    public bool Always { get; init; }

    /// <summary>Its name in what it is sealed for.</summary>
    public string Owned { get; init; } = Column;
}
