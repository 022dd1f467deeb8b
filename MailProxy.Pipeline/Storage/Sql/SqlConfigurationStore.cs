using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>What is configured, a table a noun, secrets sealed; every change has its row in the audit log.</summary>
public sealed class SqlConfigurationStore : IConfigurationStore
{
    private const string Replaced = "replace";

    private readonly CommitLoop _writer;
    private readonly StoreReaders _readers;
    private readonly SecretBox _box;
    private readonly TimeProvider _clock;

    // By the noun's type: TableRules of it.
    private readonly Dictionary<Type, object> _rules;

    public SqlConfigurationStore(StoreDatabase database, SecretBox box, TimeProvider clock)
    {
        (_writer, _readers, _box, _clock) = (database.Writer, database.Readers, box, clock);
        _rules = new()
        {
            [typeof(SmtpAccount)] = new AccountTable(),
            [typeof(Pool)] = new PoolTable(),
            [typeof(Volume)] = new VolumeTable(),
            [typeof(WebhookEndpoint)] = new WebhookTable(() => _writer.Events.Last),
            [typeof(Tenant)] = new TenantCascade(this),
        };
    }

    public Task<IReadOnlyList<Resource<T>>> ReadAsync<T>(Noun<T> noun)
        where T : class => _readers.ReadAsync<IReadOnlyList<Resource<T>>>(session => new ConfigurationRows<T>(noun, _box).All(session));

    public Task<Resource<T>?> PutAsync<T>(Noun<T> noun, Resource<T> resource, string actor, string? action = null)
        where T : class => _writer.WriteAsync(session => Put(session, noun, resource, actor, action));

    public Task<DeleteResult> DeleteAsync<T>(Noun<T> noun, string tenant, string id, long version, string actor)
        where T : class =>
        _writer.WriteAsync(session =>
        {
            if (new ConfigurationRows<T>(noun, _box).Find(session, tenant, id) is not { } resource)
                return DeleteResult.NotFound;
            if (resource.Version != version)
                return DeleteResult.Changed;
            if (RulesOf<T>().IsInUse(session, resource, Now))
                return DeleteResult.InUse;
            Delete(session, noun, resource, actor);
            return DeleteResult.Deleted;
        });

    /// <summary>The same inside a write.</summary>
    internal Resource<T>? Put<T>(Session session, Noun<T> noun, Resource<T> resource, string actor, string? action = null)
        where T : class
    {
        var rows = new ConfigurationRows<T>(noun, _box);
        var before = rows.Find(session, resource.Tenant, resource.Id);
        if ((before?.Version ?? 0) != resource.Version)
            return null;
        if (before is null)
            Create(session, noun, rows, resource, actor, action ?? "create");
        else
            Replace(session, noun, rows, before, resource, actor, action ?? Replaced);
        return rows.Find(session, resource.Tenant, resource.Id);
    }

    /// <summary>All resources of a noun, or those of a tenant, as a write sees them.</summary>
    internal List<Resource<T>> All<T>(Session session, Noun<T> noun, string? tenant = null)
        where T : class => new ConfigurationRows<T>(noun, _box).All(session, tenant);

    /// <summary>Whether something of a tenant is in use.</summary>
    internal bool IsAnyInUse<T>(Session session, Noun<T> noun, string tenant)
        where T : class =>
        new ConfigurationRows<T>(noun, _box).All(session, tenant).Any(resource => RulesOf<T>().IsInUse(session, resource, Now));

    /// <summary>Deletes everything that a tenant has of a noun.</summary>
    internal void DeleteAll<T>(Session session, Noun<T> noun, string tenant, string actor)
        where T : class
    {
        foreach (var resource in new ConfigurationRows<T>(noun, _box).All(session, tenant))
            Delete(session, noun, resource, actor);
    }

    private void Create<T>(Session session, Noun<T> noun, ConfigurationRows<T> rows, Resource<T> resource, string actor, string action)
        where T : class
    {
        var after = noun.Audited(resource.Value!);
        var number = Audit(session, noun, resource, actor, action, null, after);

        // The number of the entry as its version: so none comes back when it is deleted and made anew.
        rows.Insert(session, resource with { Version = number }, RulesOf<T>().First, Now);
    }

    private void Replace<T>(
        Session session,
        Noun<T> noun,
        ConfigurationRows<T> rows,
        Resource<T> before,
        Resource<T> resource,
        string actor,
        string action
    )
        where T : class
    {
        var (rules, was) = (RulesOf<T>(), Told(session, noun, before));
        var after = resource with { Version = resource.Version + 1, Number = before.Number };
        rows.Update(session, after, Now);
        rules.Replaced(session, before, after, action);

        // An action that leaves every secret as it was says nothing of them.
        var isToldOf = action == Replaced || noun.Secrets.Any(secret => Differs(secret, before.Value, after.Value!));
        var told = noun.Audited(after.Value!, isToldOf ? before.Value : null);
        rules.Tell(session, after, told);
        Audit(session, noun, resource, actor, action, was, told);
    }

    private void Delete<T>(Session session, Noun<T> noun, Resource<T> resource, string actor)
        where T : class
    {
        var was = Told(session, noun, resource);
        RulesOf<T>().Deleting(session, resource, actor, Now);
        new ConfigurationRows<T>(noun, _box).Delete(session, resource.Tenant, resource.Id, Now);
        Audit(session, noun, resource, actor, "delete", was, null);
    }

    private JsonObject? Told<T>(Session session, Noun<T> noun, Resource<T> resource)
        where T : class
    {
        if (resource.Value is null)
            return null;
        var told = noun.Audited(resource.Value);
        RulesOf<T>().Tell(session, resource, told);
        return told;
    }

    private long Audit<T>(
        Session session,
        Noun<T> noun,
        Resource<T> resource,
        string actor,
        string action,
        JsonObject? before,
        JsonObject? after
    )
        where T : class =>
        AuditRows.Append(
            session,
            Now,
            actor,
            $"{noun.Name}.{action}",
            noun.Subject(resource.Tenant, resource.Id),
            before?.ToJsonString(),
            after?.ToJsonString()
        );

    private TableRules<T> RulesOf<T>()
        where T : class => _rules.TryGetValue(typeof(T), out var rules) ? (TableRules<T>)rules : new PlainTable<T>();

    private static bool Differs<T>(Sealed<T> secret, T? before, T after)
        where T : class => before is not null && secret.Get(before) != secret.Get(after);

    private long Now => _clock.GetUtcNow().ToUnixTimeMilliseconds();
}
