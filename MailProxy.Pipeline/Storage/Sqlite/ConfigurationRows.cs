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
    private readonly Noun<T> _noun;
    private readonly SecretBox _box;
    private readonly Field<T>[] _columns;

    // What every row has, and then what a change writes: the JSON, the fields with columns, the secrets.
    private readonly string[] _named,
        _written;
    private readonly string _select,
        _where,
        _update;

    public ConfigurationRows(Noun<T> noun, SecretBox box)
    {
        (_noun, _box, _columns) = (noun, box, [.. noun.Columns]);
        _named = noun.IsTenant ? ["id", "version"] : ["tenant", "id", "version"];
        _written =
        [
            .. noun.HasConfig ? ["config"] : Array.Empty<string>(),
            .. _columns.Select(static c => c.Name),
            .. noun.Secrets.Select(static s => s.Column),
        ];
        string[] selected = [noun.IsTenant ? "id" : "tenant", "id", "version", noun.IsNumbered ? "number" : "0", .. _written];
        _select = $"SELECT {string.Join(", ", selected)} FROM {noun.Table} WHERE {(noun.LeavesTombstone ? "deleted_at IS NULL" : "true")}";
        _where = (noun.IsTenant ? "" : "tenant = @tenant AND ") + "id = @id" + (noun.LeavesTombstone ? " AND deleted_at IS NULL" : "");
        string[] set = ["version", .. _written];
        _update =
            $"UPDATE {noun.Table} SET {string.Join(", ", set.Select(static name => $"{name} = @{name}"))}"
            + (noun.IsDated ? ", updated_at = @now" : "")
            + $" WHERE {_where}";
    }

    public List<Resource<T>> All(SqliteConnection db, string? tenant = null) =>
        tenant is null
            ? db.Query(_select + (_noun.IsTenant ? " ORDER BY id" : " ORDER BY tenant, id"), Row)
            : db.Query(_select + " AND tenant = @tenant ORDER BY id", Row, ("@tenant", tenant));

    public Resource<T>? Find(SqliteConnection db, string tenant, string id) =>
        db.QueryFirst($"{_select} AND {_where}", Row, Names(tenant, id));

    /// <param name="first">Columns that are no fields.</param>
    public void Insert(SqliteConnection db, Resource<T> resource, IReadOnlyList<(string Column, object? Value)> first, long now)
    {
        string[] dates = _noun.IsDated ? ["created_at", "updated_at"] : [];
        string[] columns = [.. _named, .. _written, .. dates, .. first.Select(static one => one.Column)];
        var values = columns.Select(name => dates.Contains(name) ? "@now" : "@" + name);
        var sql = $"INSERT INTO {_noun.Table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", values)})";
        (string, object?)[] more = [.. first.Select(static one => ("@" + one.Column, one.Value))];
        if (!_noun.IsNumbered)
        {
            db.Run(sql, [.. Parameters(resource, now), .. more]);
            return;
        }

        // Secrets are sealed for the number, which is known only when the row is there.
        var bare = _noun.Secrets.Aggregate(resource.Value!, static (value, secret) => secret.Set(value, null));
        var number = db.QueryNumber(sql + " RETURNING number", [.. Parameters(resource with { Value = bare }, now), .. more])!.Value;
        Update(db, resource with { Number = (int)number }, now);
    }

    public void Update(SqliteConnection db, Resource<T> resource, long now) => db.Run(_update, Parameters(resource, now));

    public void Delete(SqliteConnection db, string tenant, string id, long now)
    {
        if (!_noun.LeavesTombstone)
        {
            db.Run($"DELETE FROM {_noun.Table} WHERE {_where}", Names(tenant, id));
            return;
        }

        string[] set =
        [
            "version = version + 1",
            "updated_at = @now",
            "deleted_at = @now",
            .. _noun.Secrets.Select(s => s.Column + " = NULL"),
        ];
        db.Run($"UPDATE {_noun.Table} SET {string.Join(", ", set)} WHERE {_where}", [.. Names(tenant, id), ("@now", now)]);
    }

    private (string Name, object? Value)[] Names(string tenant, string id) =>
        _noun.IsTenant ? [("@id", id)] : [("@tenant", tenant), ("@id", id)];

    private (string Name, object? Value)[] Parameters(Resource<T> resource, long now)
    {
        var kept = _noun.Fields.Keep(resource.Value!);
        var columns = _columns.Select(column => ("@" + column.Name, Cell(column, kept[column.Name]))).ToArray();
        foreach (var column in _columns)
            kept.Remove(column.Name);
        var parameters = new List<(string, object?)>(Names(resource.Tenant, resource.Id)) { ("@version", resource.Version) };
        if (_noun.IsDated)
            parameters.Add(("@now", now));
        if (_noun.HasConfig)
            parameters.Add(("@config", kept.ToJsonString()));
        return [.. parameters, .. columns, .. _noun.Secrets.Select(secret => ("@" + secret.Column, Seal(resource, secret)))];
    }

    private Resource<T> Row(SqliteDataReader row)
    {
        var found = new Resource<T>(row.GetString(0), row.GetString(1), row.GetInt64(2), null) { Number = row.GetInt32(3) };
        try
        {
            return found with { Value = _noun.Stamp(Value(row, found), found.Number, found.Version) };
        }
        catch (Exception error) when (Damage(error) is { } damage)
        {
            return _noun.SpoilsAlone
                ? found with
                {
                    Damage = damage,
                }
                : throw new StoreRefusedException($"The stored {_noun.Subject(found.Tenant, found.Id)} cannot be read: {damage}", error);
        }
    }

    private T Value(SqliteDataReader row, Resource<T> found)
    {
        var next = 4;
        var value = _noun.New(found.Tenant, found.Id);
        if (_noun.HasConfig)
        {
            using var config = JsonDocument.Parse(row.GetString(next++));
            value = _noun.Fields.Read(config.RootElement, value, static field => !field.InColumn);
        }

        var columns = new JsonObject();
        foreach (var column in _columns)
            Field<T>.Add(columns, column.Name, Node(column, row, next++));
        using var cells = JsonDocument.Parse(columns.ToJsonString());
        value = _noun.Fields.Read(cells.RootElement, value, static field => field.InColumn);
        foreach (var secret in _noun.Secrets)
        {
            if (row.BytesOrNull(next++) is { } text)
                value = secret.Set(value, _box.Open(text, _noun.OwnerOf(secret, found.Tenant, found.Id, found.Number)));
        }

        return value;
    }

    private byte[]? Seal(Resource<T> resource, Sealed<T> secret) =>
        secret.Get(resource.Value!) is { } text ? _box.Seal(text, _noun.OwnerOf(secret, resource.Tenant, resource.Id, resource.Number))
        : secret.Always ? throw new ArgumentException($"{_noun.Subject(resource.Tenant, resource.Id)} has no {secret.Column}.")
        : null;

    private static string? Damage(Exception error) =>
        error switch
        {
            StoreRefusedException or UnreadableResourceException => error.Message,
            JsonException => "Its row is no JSON.",
            InvalidOperationException or FormatException or KeyNotFoundException => "A member of its row is of another type or missing.",
            _ => null,
        };

    private static object? Cell(Field<T> field, JsonNode? node) =>
        node?.GetValueKind() switch
        {
            null => null,
            JsonValueKind.True => 1L,
            JsonValueKind.False => 0L,
            JsonValueKind.Number => node.AsValue().TryGetValue(out int number) ? number : node.GetValue<long>(),
            JsonValueKind.String when field.Shape == Shape.Bytes => Convert.FromBase64String(node.GetValue<string>()),
            JsonValueKind.String => node.GetValue<string>(),
            _ => node.ToJsonString(),
        };

    private static JsonNode? Node(Field<T> field, SqliteDataReader row, int column) =>
        row.GetValue(column) switch
        {
            long number when field.Shape.Type == "boolean" => JsonValue.Create(number != 0),
            long number => JsonValue.Create(number),
            byte[] bytes => JsonValue.Create(Convert.ToBase64String(bytes)),
            string text when field.Shape.Type is "array" or "object" => JsonNode.Parse(text),
            string text => JsonValue.Create(text),
            _ => null,
        };
}
