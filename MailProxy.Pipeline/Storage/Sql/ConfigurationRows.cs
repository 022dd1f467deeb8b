using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>The table of a noun: sealed secrets in, open ones out. Its statements are made from the noun's fields.</summary>
internal sealed class ConfigurationRows<T>
    where T : class
{
    private readonly Noun<T> _noun;
    private readonly SecretBox _box;
    private readonly Field<T>[] _columns;

    // What names a row, and what a change writes: the version, the JSON, the fields with columns, the secrets.
    private readonly string[] _key,
        _written;
    private readonly string _select,
        _where,
        _update;

    public ConfigurationRows(Noun<T> noun, SecretBox box)
    {
        (_noun, _box, _columns) = (noun, box, [.. noun.Columns]);
        _key = noun.IsTenant ? ["id"] : ["tenant", "id"];
        string[] config = noun.HasConfig ? ["config"] : [];
        _written = ["version", .. config, .. _columns.Select(static c => c.Name), .. noun.Secrets.Select(static s => s.Column)];
        string[] selected = [noun.IsTenant ? "id" : "tenant", "id", noun.IsNumbered ? "number" : "0", .. _written];
        _select = $"SELECT {string.Join(", ", selected)} FROM {noun.Table} WHERE {(noun.LeavesTombstone ? "deleted_at IS NULL" : "true")}";
        _where = string.Join(" AND ", Numbered(_key, 1)) + (noun.LeavesTombstone ? " AND deleted_at IS NULL" : "");
        string[] set = noun.IsDated ? [.. _written, "updated_at"] : _written;
        _update = $"UPDATE {noun.Table} SET {string.Join(", ", Numbered(set, _key.Length + 1))} WHERE {_where}";
    }

    public List<Resource<T>> All(Session session, string? tenant = null) =>
        tenant is null
            ? session.Query(_select + (_noun.IsTenant ? " ORDER BY id" : " ORDER BY tenant, id"), Row)
            : session.Query(_select + " AND tenant = ?1 ORDER BY id", Row, tenant);

    public Resource<T>? Find(Session session, string tenant, string id) =>
        session.QueryFirst($"{_select} AND {_where}", Row, Key(tenant, id));

    /// <param name="first">Columns that are no fields.</param>
    public void Insert(Session session, Resource<T> resource, IReadOnlyList<(string Column, object? Value)> first, long now)
    {
        (string Column, object? Value)[] dates = _noun.IsDated ? [("created_at", now), ("updated_at", now)] : [];
        (string Column, object? Value)[] more = [.. dates, .. first];
        string[] columns = [.. _key, .. _written, .. more.Select(static one => one.Column)];
        var sql =
            $"INSERT INTO {_noun.Table} ({string.Join(", ", columns)}) "
            + $"VALUES ({string.Join(", ", Enumerable.Range(1, columns.Length).Select(static n => $"?{n}"))})";
        object?[] Values(Resource<T> row) => [.. Key(row.Tenant, row.Id), .. Written(row), .. more.Select(static one => one.Value)];
        if (!_noun.IsNumbered)
        {
            session.Run(sql, Values(resource));
            return;
        }

        // Secrets are sealed for the number, which is known only when the row is there.
        var bare = _noun.Secrets.Aggregate(resource.Value!, static (value, secret) => secret.Set(value, null));
        var number = session.QueryNumber(sql + " RETURNING number", Values(resource with { Value = bare }))!.Value;
        Update(session, resource with { Number = (int)number }, now);
    }

    public void Update(Session session, Resource<T> resource, long now)
    {
        object?[] dates = _noun.IsDated ? [now] : [];
        session.Run(_update, [.. Key(resource.Tenant, resource.Id), .. Written(resource), .. dates]);
    }

    public void Delete(Session session, string tenant, string id, long now)
    {
        if (!_noun.LeavesTombstone)
        {
            session.Run($"DELETE FROM {_noun.Table} WHERE {_where}", Key(tenant, id));
            return;
        }

        var at = $"?{_key.Length + 1}";
        string[] set =
        [
            "version = version + 1",
            $"updated_at = {at}",
            $"deleted_at = {at}",
            .. _noun.Secrets.Select(s => s.Column + " = NULL"),
        ];
        session.Run($"UPDATE {_noun.Table} SET {string.Join(", ", set)} WHERE {_where}", [.. Key(tenant, id), now]);
    }

    private static IEnumerable<string> Numbered(IEnumerable<string> columns, int first) =>
        columns.Select((name, i) => $"{name} = ?{first + i}");

    private object?[] Key(string tenant, string id) => _noun.IsTenant ? [id] : [tenant, id];

    private object?[] Written(Resource<T> resource)
    {
        var kept = _noun.Fields.Keep(resource.Value!);
        var columns = _columns.Select(column => Cell(column, kept[column.Name])).ToArray();
        foreach (var column in _columns)
            kept.Remove(column.Name);
        object?[] config = _noun.HasConfig ? [kept.ToJsonString()] : [];
        return [resource.Version, .. config, .. columns, .. _noun.Secrets.Select(secret => Seal(resource, secret))];
    }

    private Resource<T> Row(Statement row)
    {
        var found = new Resource<T>(row.Text(0), row.Text(1), row.Long(3), null) { Number = row.Int(2) };
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

    private T Value(Statement row, Resource<T> found)
    {
        var next = 4;
        var value = _noun.New(found.Tenant, found.Id);
        if (_noun.HasConfig)
        {
            using var config = JsonDocument.Parse(row.Text(next++));
            value = _noun.Fields.Read(config.RootElement, value, static field => !field.InColumn);
        }

        var columns = new JsonObject();
        foreach (var column in _columns)
            Field<T>.Add(columns, column.Name, Node(column, row, next++));
        using var cells = JsonDocument.Parse(columns.ToJsonString());
        value = _noun.Fields.Read(cells.RootElement, value, static field => field.InColumn);
        foreach (var secret in _noun.Secrets)
        {
            if (row.BlobOrNull(next++) is { } text)
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

    private static JsonNode? Node(Field<T> field, Statement row, int column) =>
        row.Value(column) switch
        {
            long number when field.Shape.Type == "boolean" => JsonValue.Create(number != 0),
            long number => JsonValue.Create(number),
            byte[] bytes => JsonValue.Create(Convert.ToBase64String(bytes)),
            string text when field.Shape.Type is "array" or "object" => JsonNode.Parse(text),
            string text => JsonValue.Create(text),
            _ => null,
        };
}
