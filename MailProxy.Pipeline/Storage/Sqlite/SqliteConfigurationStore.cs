using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>What is configured, a table a noun, secrets sealed; every change has its row in the audit log.</summary>
public sealed class SqliteConfigurationStore(SqliteDatabase database, SecretBox box, TimeProvider clock) : IConfigurationStore
{
    private readonly CommitLoop _writer = database.Writer;
    private readonly SqliteReaders _readers = database.Readers;

    public Task<IReadOnlyList<Resource<T>>> ReadAsync<T>(Noun<T> noun)
        where T : class => _readers.ReadAsync<IReadOnlyList<Resource<T>>>(db => new ConfigurationRows<T>(noun, box).All(db));

    public Task<bool> PutAsync<T>(Noun<T> noun, Resource<T> resource, string actor)
        where T : class =>
        _writer.WriteAsync(db =>
        {
            var rows = new ConfigurationRows<T>(noun, box);
            var before = rows.Find(db, resource.Tenant, resource.Id);
            if ((before?.Version ?? 0) != resource.Version)
                return false;
            var number = AuditRows.Append(
                db,
                Now,
                actor,
                noun.Name + (before is null ? ".create" : ".replace"),
                Subject(noun, resource.Tenant, resource.Id),
                before?.Value is { } was ? noun.Audited(was) : null,
                noun.Audited(resource.Value!, before?.Value)
            );
            if (before is null)
                rows.Insert(db, resource with { Version = number }, Now); // so no version comes back when it is made anew
            else
                rows.Update(db, resource with { Version = resource.Version + 1 }, Now);
            return true;
        });

    public Task<DeleteResult> DeleteAsync<T>(Noun<T> noun, string tenant, string id, long version, string actor)
        where T : class =>
        _writer.WriteAsync(db =>
        {
            var rows = new ConfigurationRows<T>(noun, box);
            if (rows.Find(db, tenant, id) is not { } resource)
                return DeleteResult.NotFound;
            if (resource.Version != version)
                return DeleteResult.Changed;
            if (IsInUse(db, noun.Name, tenant, id))
                return DeleteResult.InUse;
            rows.Delete(db, tenant, id);
            AppendDeletion(db, noun, resource, actor, Now);
            return DeleteResult.Deleted;
        });

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private bool IsInUse(SqliteConnection db, string noun, string tenant, string id) =>
        noun switch
        {
            "volume" => LinkRows.InVolume(new Session(db), tenant, id, Now),
            _ => false,
        };

    internal static void AppendDeletion<T>(SqliteConnection db, Noun<T> noun, Resource<T> resource, string actor, long now)
        where T : class =>
        AuditRows.Append(
            db,
            now,
            actor,
            noun.Name + ".delete",
            Subject(noun, resource.Tenant, resource.Id),
            resource.Value is { } was ? noun.Audited(was) : null,
            null
        );

    private static string Subject<T>(Noun<T> noun, string tenant, string id)
        where T : class => $"{noun.Name}/{tenant}/{id}";
}
