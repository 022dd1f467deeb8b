using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Volumes in the volumes table, secrets sealed; every change has its row in the audit log.</summary>
public sealed class SqliteVolumeStore(SqliteDatabase database, SecretBox box, TimeProvider clock) : IVolumeStore
{
    private readonly CommitLoop _writer = database.Writer;
    private readonly SqliteReaders _readers = database.Readers;
    private readonly VolumeRows _rows = new(box);

    public Task<IReadOnlyList<Volume>> VolumesAsync() => _readers.ReadAsync<IReadOnlyList<Volume>>(_rows.All);

    public Task<bool> PutVolumeAsync(Volume volume, string actor) =>
        _writer.WriteAsync(db =>
        {
            var before = _rows.Find(db, volume.Tenant, volume.Id);
            _rows.Put(db, volume, Now);
            if (before is null)
            {
                AuditRows.Append(db, Now, actor, "volume.create", Subject(volume), null, Audited(volume).ToJson());
                return true;
            }

            var after = Audited(volume) with
            {
                SecretChanged = VolumeRecord.SecretOf(before.Config) != VolumeRecord.SecretOf(volume.Config),
            };
            AuditRows.Append(db, Now, actor, "volume.replace", Subject(volume), Audited(before).ToJson(), after.ToJson());
            return false;
        });

    public Task<DeleteResult> DeleteVolumeAsync(string tenant, string id, string actor) =>
        _writer.WriteAsync(db =>
        {
            if (_rows.Find(db, tenant, id) is not { } volume)
                return DeleteResult.NotFound;
            if (LinkRows.InVolume(db, tenant, id, Now))
                return DeleteResult.InUse;

            VolumeRows.Delete(db, tenant, id);
            AuditRows.Append(db, Now, actor, "volume.delete", Subject(volume), Audited(volume).ToJson(), null);
            return DeleteResult.Deleted;
        });

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    internal static AuditedVolume Audited(Volume volume) =>
        new(VolumeRecord.Of(volume.Config), VolumeRecord.SecretOf(volume.Config) is not null, volume.Shared, volume.AdminSet);

    private static string Subject(Volume volume) => $"volume/{volume.Tenant}/{volume.Id}";
}
