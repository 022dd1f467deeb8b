using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sqlite;

namespace MailProxy.Pipeline.Storage.Backups;

/// <summary>
/// Restores a backup into a data directory. It is checked before any existing file is touched, never replaces anything newer, and begins
/// with
/// sending suspended, because mail sent since the backup is queued in it again.
/// </summary>
/// <param name="backup">The backup's directory.</param>
/// <param name="data">An existing data directory that no daemon uses.</param>
public sealed class StoreRestore(string backup, string data, TimeProvider clock)
{
    /// <summary>The suffix of a key file that was replaced by another key.</summary>
    public const string KeptSuffix = ".before-restore";

    private static readonly string[] Made = ["spool", "cache", "lock", "spool.pin"];

    private readonly string _backup = Path.GetFullPath(backup);
    private readonly string _data = Path.GetFullPath(data);

    private string Draft => Path.Combine(_data, StoreFile.RestoreDraft);

    private string Store => Path.Combine(_data, BackupFile.Database);

    /// <summary>
    /// Throws <see cref="StoreRefusedException"/>, <see cref="StoreUnavailableException"/> or <see cref="IOException"/>; the data
    /// directory is
    /// then unchanged.
    /// </summary>
    public BackupManifest Run()
    {
        var manifest =
            BackupManifest.Read(_backup)
            ?? throw new StoreRefusedException($"There is no backup in '{_backup}': it has no {BackupManifest.FileName}.");
        if (manifest.Schema > Migrator.Latest)
        {
            throw new StoreRefusedException(
                $"The backup in '{_backup}' is of a newer program (schema {manifest.Schema}; this one knows up to "
                    + $"{Migrator.Latest}). Use that one."
            );
        }

        using var mine = DataLock.Take(_data);
        RefuseOverNewer(manifest);
        if (Directory.Exists(Draft))
            Directory.Delete(Draft, recursive: true);
        PrivateFiles.MakeDirectory(Draft);
        try
        {
            Fill(manifest);
        }
        catch
        {
            Directory.Delete(Draft, recursive: true);
            throw;
        }

        // From here on an interruption is recognised by the rest of the draft, and running the restore again completes it.
        PutInPlace(manifest);
        return manifest;
    }

    private void RefuseOverNewer(BackupManifest manifest)
    {
        if (!File.Exists(Store))
        {
            if (new FileInfo(Store + "-wal") is { Exists: true, Length: > 0 })
                throw new StoreRefusedException($"'{_data}' has the log of a store that is missing (mailproxy.db-wal). {MoveAway()}");
            return;
        }

        StoreHistory there;
        try
        {
            StoreFile.Inspect(Store);
            var schema = BackupDatabase.Read(Store, BackupDatabase.Schema);
            if (schema != Migrator.Latest)
                throw new StoreRefusedException($"it is of another program (schema {schema})");
            there = BackupDatabase.Read(Store, BackupDatabase.History);
        }
        catch (StoreRefusedException error)
        {
            throw new StoreRefusedException(
                $"The store in '{_data}' cannot be compared with the backup: {error.Message} {MoveAway()}",
                error
            );
        }

        if (manifest.History.Contains(there))
            return;
        throw new StoreRefusedException(
            $"The store in '{_data}' has something that the backup (made {manifest.MadeAt:yyyy-MM-ddTHH:mm:ssZ}) has not: it is newer, "
                + $"or another one. It was not touched. {MoveAway()}"
        );
    }

    private string MoveAway() =>
        $"To restore all the same, move it away first: mkdir -m 700 {_data}/before && mv {_data}/mailproxy.db* {_data}/spool "
        + $"{_data}/before/";

    private void Fill(BackupManifest manifest)
    {
        PrivateFiles.MakeDirectory(Path.Combine(Draft, "spool"));
        foreach (var file in manifest.Files)
        {
            var from = Path.Combine(_backup, file.Name);
            if (!File.Exists(from))
                throw Damaged($"{file.Name} is missing");
            if (PrivateFiles.Copy(from, Path.Combine(Draft, file.Name)) != (file.Size, file.Sha256))
                throw Damaged($"{file.Name} has changed since the backup");
        }

        var database = Path.Combine(Draft, BackupFile.Database);
        if (!File.Exists(database))
            throw Damaged("it names no database");
        BackupDatabase.Check(database);
        var history = BackupDatabase.Read(database, BackupDatabase.History);
        if (!history.Contains(manifest.History) || !manifest.History.Contains(history))
            throw Damaged("its database does not match the history in its manifest");
        if (BackupDatabase.Read(database, BackupDatabase.Counts) != manifest.Counts)
            throw Damaged("its database does not match the counts in its manifest");
        BackupDatabase.BeginAnew(database, manifest.MadeAt, clock.GetUtcNow());
        PrivateFiles.GiveTo(_data, Directory.EnumerateFileSystemEntries(Draft, "*", SearchOption.AllDirectories).Append(Draft));
    }

    // The database is moved last, so that it is never found under its name without everything that it needs.
    private void PutInPlace(BackupManifest manifest)
    {
        var spool = Path.Combine(_data, "spool");
        if (!Directory.Exists(spool))
            Directory.Move(Path.Combine(Draft, "spool"), spool);
        else
            foreach (var file in Directory.EnumerateFiles(Path.Combine(Draft, "spool")))
                File.Move(file, Path.Combine(spool, Path.GetFileName(file)), overwrite: true);
        DirectorySync.Flush(spool);

        foreach (var name in (string[])[BackupFile.AdminKey, BackupFile.MasterKey])
            if (manifest.Has(name))
                PutKey(name);

        foreach (var log in (string[])["-wal", "-shm"])
            File.Delete(Store + log);
        File.Move(Path.Combine(Draft, BackupFile.Database), Store, overwrite: true);
        DirectorySync.Flush(_data);
        Directory.Delete(Draft, recursive: true);

        // Files created by the restore, perhaps as root, must be writable for the daemon.
        PrivateFiles.GiveTo(
            _data,
            Made.Select(name => Path.Combine(_data, name)).Where(path => File.Exists(path) || Directory.Exists(path))
        );
        DirectorySync.Flush(_data);
    }

    // A key that differs from the backup's is kept, since a store that was moved away may need it.
    private void PutKey(string name)
    {
        var (from, to) = (Path.Combine(Draft, name), Path.Combine(_data, name));
        if (File.Exists(to) && PrivateFiles.Digest(to) != PrivateFiles.Digest(from))
            File.Move(to, to + KeptSuffix, overwrite: true);
        File.Move(from, to, overwrite: true);
    }

    private StoreRefusedException Damaged(string what) => new($"The backup in '{_backup}' is damaged: {what}. Nothing was restored.");
}
