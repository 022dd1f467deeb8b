using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Disk;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The table of a noun: sealed secrets in, open ones out. Its statements are made from the noun's fields.</summary>
internal sealed class ConfigurationRows<T>
    where T : class
{
    // Before these a row has tenant, id, version and config.
    private const int FirstColumn = 4;

    private readonly Noun<T> _noun;
    private readonly SecretBox _box;
    private readonly Field<T>[] _columns;
    private readonly string _select,
        _insert,
        _update,
        _delete;

    public ConfigurationRows(Noun<T> noun, SecretBox box)
    {
        (_noun, _box, _columns) = (noun, box, [.. noun.Columns]);
        string[] own = [.. _columns.Select(static c => c.Name), .. noun.Secrets.Select(static s => s.Column)];
        _select = $"SELECT {string.Join(", ", ["tenant", "id", "version", "config", .. own])} FROM {noun.Table}";
        string[] set = ["config", .. own];
        _insert =
            $"INSERT INTO {noun.Table} (tenant, id, version, created_at, updated_at, {string.Join(", ", set)}) "
            + $"VALUES (@tenant, @id, @version, @now, @now, {string.Join(", ", set.Select(static name => "@" + name))})";
        _update =
            $"UPDATE {noun.Table} SET version = @version, updated_at = @now, "
            + string.Join(", ", set.Select(static name => $"{name} = @{name}"))
            + " WHERE tenant = @tenant AND id = @id";
        _delete = $"DELETE FROM {noun.Table} WHERE tenant = @tenant AND id = @id";
    }

    public List<Resource<T>> All(SqliteConnection db, string? tenant = null) =>
        tenant is null
            ? db.Query(_select + " ORDER BY tenant, id", Row)
            : db.Query(_select + " WHERE tenant = @tenant ORDER BY id", Row, ("@tenant", tenant));

    public Resource<T>? Find(SqliteConnection db, string tenant, string id) =>
        db.QueryFirst(_select + " WHERE tenant = @tenant AND id = @id", Row, ("@tenant", tenant), ("@id", id));

    public void Insert(SqliteConnection db, Resource<T> resource, long now) => db.Run(_insert, Parameters(resource, now));

    public void Update(SqliteConnection db, Resource<T> resource, long now) => db.Run(_update, Parameters(resource, now));

    public void Delete(SqliteConnection db, string tenant, string id) => db.Run(_delete, ("@tenant", tenant), ("@id", id));

    private (string Name, object? Value)[] Parameters(Resource<T> resource, long now)
    {
        var kept = _noun.Fields.Keep(resource.Value!);
        var columns = _columns.Select(column => ("@" + column.Name, Cell(kept[column.Name]))).ToArray();
        foreach (var column in _columns)
            kept.Remove(column.Name);
        return
        [
            ("@tenant", resource.Tenant),
            ("@id", resource.Id),
            ("@version", resource.Version),
            ("@now", now),
            ("@config", kept.ToJsonString()),
            .. columns,
            .. _noun.Secrets.Select(secret => ("@" + secret.Column, Seal(resource, secret))),
        ];
    }

    private Resource<T> Row(SqliteDataReader row)
    {
        var (tenant, id, version) = (row.GetString(0), row.GetString(1), row.GetInt64(2));
        try
        {
            return new(tenant, id, version, Value(row, tenant, id));
        }
        catch (Exception error) when (Damage(error) is { } damage)
        {
            if (!_noun.SpoilsAlone)
                throw new StoreRefusedException($"The stored {_noun.Name} {tenant}/{id} cannot be read: {damage}", error);
            return new(tenant, id, version, null) { Damage = damage };
        }
    }

    private T Value(SqliteDataReader row, string tenant, string id)
    {
        using var config = JsonDocument.Parse(row.GetString(3));
        var value = _noun.Fields.Read(config.RootElement, _noun.New(tenant, id), static field => !field.InColumn);
        var columns = new JsonObject();
        for (var i = 0; i < _columns.Length; i++)
            Field<T>.Add(columns, _columns[i].Name, Node(_columns[i], row, FirstColumn + i));
        using var cells = JsonDocument.Parse(columns.ToJsonString());
        value = _noun.Fields.Read(cells.RootElement, value, static field => field.InColumn);
        for (var i = 0; i < _noun.Secrets.Count; i++)
        {
            var secret = _noun.Secrets[i];
            if (row.BytesOrNull(FirstColumn + _columns.Length + i) is { } sealedSecret)
                value = secret.Set(value, _box.Open(sealedSecret, Owner(tenant, id, secret)));
        }

        return value;
    }

    private byte[]? Seal(Resource<T> resource, Sealed<T> secret) =>
        secret.Get(resource.Value!) is { } text ? _box.Seal(text, Owner(resource.Tenant, resource.Id, secret)) : null;

    // Neither part may contain a slash, so no two resources share this.
    private string Owner(string tenant, string id, Sealed<T> secret) => $"{_noun.Name}/{tenant}/{id}/{secret.Column}";

    private static string? Damage(Exception error) =>
        error switch
        {
            StoreRefusedException or UnreadableResourceException => error.Message,
            JsonException => "Its row is no JSON.",
            InvalidOperationException or FormatException or KeyNotFoundException => "A member of its row is of another type or missing.",
            _ => null,
        };

    private static object? Cell(JsonNode? node) =>
        node?.GetValueKind() switch
        {
            null => null,
            JsonValueKind.True => 1L,
            JsonValueKind.False => 0L,
            JsonValueKind.Number => node.GetValue<long>(),
            JsonValueKind.String => node.GetValue<string>(),
            _ => node.ToJsonString(),
        };

    private static JsonNode? Node(Field<T> field, SqliteDataReader row, int column) =>
        row.IsDBNull(column) ? null
        : field.Shape.Type == "boolean" ? JsonValue.Create(row.GetInt64(column) != 0)
        : field.Shape.Type == "integer" ? JsonValue.Create(row.GetInt64(column))
        : field.Shape.Type == "string" ? JsonValue.Create(row.GetString(column))
        : JsonNode.Parse(row.GetString(column));
}
