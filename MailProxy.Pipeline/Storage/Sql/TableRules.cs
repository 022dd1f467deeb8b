using System.Text.Json.Nodes;
using MailProxy.Pipeline.Configuration;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// What a noun's table needs beyond its fields: other columns and tables that a change touches, in its transaction.
/// </summary>
internal abstract class TableRules<T>
    where T : class
{
    /// <summary>Columns of a new row that are no fields, and what they begin with.</summary>
    public virtual IReadOnlyList<(string Column, object? Value)> First => [];

    /// <summary>Whether something that is not finished needs the resource.</summary>
    public virtual bool IsInUse(Session session, Resource<T> resource, long now) => false;

    /// <summary>Called when a row was replaced.</summary>
    /// <param name="action">What the audit log calls it.</param>
    public virtual void Replaced(Session session, Resource<T> before, Resource<T> after, string action) { }

    /// <summary>Called before a row is deleted.</summary>
    public virtual void Deleting(Session session, Resource<T> resource, string actor, long now) { }

    /// <summary>Adds to what the audit log tells of a row that is there.</summary>
    public virtual void Tell(Session session, Resource<T> resource, JsonObject told) { }
}

/// <summary>Links in mail to files of a volume keep it.</summary>
internal sealed class VolumeTable : TableRules<Configuration.Volumes.Volume>
{
    public override bool IsInUse(Session session, Resource<Configuration.Volumes.Volume> resource, long now) =>
        LinkRows.InVolume(session, resource.Tenant, resource.Id, now);
}

/// <summary>Nothing else.</summary>
internal sealed class PlainTable<T> : TableRules<T>
    where T : class;
