using System.Text.Json;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Sql;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// Requests of all nodes, a row each. Written by a connection of its own and outside of turns: nobody's mail waits for it.
/// </summary>
internal sealed class PgRequests(Func<NpgsqlConnection> open, StoreReaders readers, string node) : IRequestStore, IDisposable
{
    private const int LeastOfTenant = 4;

    private const string Insert = """
        INSERT INTO requests (node, tenant, failed, at, method, path, status, micros, code, actor, request_id, messages)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        """;

    private const string Select = """
        SELECT number, node, at, method, path, status, micros, code, actor, tenant, request_id, messages FROM requests
        WHERE at >= ?1 AND number < ?2 AND failed >= ?3
        """;

    private const string Trim = """
        DELETE FROM requests USING (
            SELECT number, row_number() OVER (PARTITION BY tenant, failed ORDER BY number DESC) AS place FROM requests
        ) placed
        WHERE requests.number = placed.number AND (requests.at < ?1
            OR placed.place > (SELECT greatest(?2, ?3 / greatest(1, count(DISTINCT tenant))) / 2 FROM requests))
        """;

    private readonly Lock _gate = new();
    private PgSession? _session;

    public Task AddAsync(IReadOnlyList<LoggedRequest> requests) =>
        WriteAsync(session =>
        {
            foreach (var one in requests)
            {
                session
                    .Prepare(Insert)
                    .Add(node)
                    .Add(one.Tenant)
                    .Add(one.HasFailed)
                    .Add(one.At)
                    .Add(one.Method)
                    .Add(one.Path)
                    .Add(one.Status)
                    .Add((long)(one.Milliseconds * 1000))
                    .Add(one.Code)
                    .Add(one.Actor)
                    .Add(one.RequestId)
                    .Add(one.Messages.Count == 0 ? null : JsonSerializer.Serialize(one.Messages, StoredJson.Default.IReadOnlyListString))
                    .Post();
            }

            session.Flush();
        });

    public Task<IReadOnlyList<LoggedRequest>> ReadAsync(RequestFilter filter) =>
        readers.ReadAsync<IReadOnlyList<LoggedRequest>>(session =>
        {
            var sql = Select;
            List<object> values = [filter.Since, filter.Before ?? long.MaxValue, filter.FailedOnly ? 1L : 0L];
            void Add(string condition, object value)
            {
                values.Add(value);
                sql += $" {condition} ?{values.Count}";
            }

            if (filter.Tenant is { } tenant)
                Add("AND tenant =", tenant);
            if (filter.Message is { } message)
                Add("AND EXISTS (SELECT 1 FROM json_each(messages) j WHERE j.value =", message);
            if (filter.Message is not null)
                sql += ")";
            Add("ORDER BY number DESC LIMIT", (long)filter.Limit);
            return session.Query(sql, Row, [.. values]);
        });

    public Task TrimAsync(long since, int most) => WriteAsync(session => session.Run(Trim, since, LeastOfTenant, (long)most));

    public Task ForgetAsync(string tenant) => WriteAsync(session => session.Run("DELETE FROM requests WHERE tenant = ?1", tenant));

    public void Dispose()
    {
        lock (_gate)
        {
            _session?.Dispose();
            _session = null;
        }
    }

    private static LoggedRequest Row(Statement row) =>
        new(
            row.Long(0),
            row.Long(2),
            row.Text(3),
            row.Text(4),
            row.Int(5),
            row.Long(6) / 1000d,
            row.TextOrNull(7),
            row.Text(8),
            row.Text(9),
            row.Text(10),
            row.TextOrNull(11) is { } messages ? JsonSerializer.Deserialize(messages, StoredJson.Default.IReadOnlyListString)! : []
        )
        {
            Node = row.Text(1),
        };

    private Task WriteAsync(Action<Session> write) =>
        Task.Run(() =>
        {
            lock (_gate)
            {
                try
                {
                    _session ??= new(open());
                    write(_session);
                }
                catch (Exception error)
                {
                    _session?.Dispose();
                    _session = null;
                    if (PgTrouble.Describe(error) is { } trouble)
                        throw new StoreUnavailableException($"The log of requests cannot be written now: {trouble}.", error);
                    throw;
                }
            }
        });
}
