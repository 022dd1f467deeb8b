using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;

namespace MailProxy.Pipeline.Storage.Backups;

/// <summary>
/// Copies a store, in use or not, into a directory: a snapshot of the database, the spool files that it names, and the keys. The backup is
/// complete under its name, or does not exist.
/// </summary>
/// <param name="data">The store's data directory.</param>
/// <param name="target">The directory of the backup; an older backup of the same store is replaced in one step.</param>
/// <param name="withKeys">Whether <c>admin.key</c> and <c>master.key</c> are included.</param>
/// <param name="program">Name and version, for people.</param>
public sealed class StoreBackup(string data, string target, bool withKeys, string program, TimeProvider clock)
{
    private const string LockName = "lock";

    private readonly string _data = Path.GetFullPath(data);
    private readonly string _target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));

    private string Draft => _target + ".partial";

    private string Old => _target + ".replaced";

    private string Store => Path.Combine(_data, BackupFile.Database);

    /// <summary>
    /// Throws <see cref="StoreRefusedException"/>, <see cref="StoreUnavailableException"/> or <see cref="IOException"/>; an earlier backup
    /// under
    /// the name is then unchanged.
    /// </summary>
    /// <returns>The manifest, and the spool files that the store had already lost.</returns>
    public async Task<(BackupManifest Manifest, IReadOnlyList<string> Lost)> MakeAsync()
    {
        if (!File.Exists(Store))
            throw new StoreRefusedException($"There is no store in '{_data}'. Name its data directory by --data or MAILPROXY_DATA.");
        if (IsWithin(_target, _data) || IsWithin(_data, _target))
        {
            throw new StoreRefusedException($"'{_target}' and the data directory '{_data}' must not lie in each other.");
        }

        StoreFile.Inspect(Store);
        if (!Directory.Exists(_target) && Directory.Exists(Old))
            Directory.Move(Old, _target); // completes a replacement that a crash interrupted
        var before = Before();

        Directory.CreateDirectory(Path.GetDirectoryName(_target)!);
        PrivateFiles.MakeDirectory(Draft);
        using (var mine = TakeDraft())
        {
            try
            {
                var (manifest, lost) = await FillAsync(before);
                mine.Dispose();
                File.Delete(Path.Combine(Draft, LockName));
                DirectorySync.Flush(Draft);
                Replace();
                return (manifest, lost);
            }
            catch
            {
                Directory.Delete(Draft, recursive: true);
                throw;
            }
        }
    }

    // The existing directory will be replaced, so it must be a backup, and an older one.
    private BackupManifest? Before()
    {
        if (File.Exists(_target))
            throw new StoreRefusedException($"'{_target}' is a file. Name a directory for the backup.");
        if (!Directory.Exists(_target))
            return null;
        if (BackupManifest.Read(_target) is { } manifest)
            return manifest;
        return Directory.EnumerateFileSystemEntries(_target).Any()
            ? throw new StoreRefusedException($"'{_target}' is not empty and is no backup. Name an empty or a new directory.")
            : null;
    }

    private FileStream TakeDraft()
    {
        FileStream mine;
        try
        {
            mine = new(Path.Combine(Draft, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error) when (File.Exists(Path.Combine(Draft, LockName)))
        {
            throw new StoreRefusedException($"Another backup into '{_target}' is under way.", error);
        }

        // Removes what a killed backup left.
        foreach (var entry in new DirectoryInfo(Draft).EnumerateFileSystemInfos())
        {
            if (entry is DirectoryInfo { LinkTarget: null } folder)
                folder.Delete(recursive: true);
            else if (entry.Name != LockName)
                entry.Delete();
        }

        return mine;
    }

    private async Task<(BackupManifest Manifest, IReadOnlyList<string> Lost)> FillAsync(BackupManifest? before)
    {
        var copy = Path.Combine(Draft, BackupFile.Database);

        // The pin is taken before the snapshot, so that no file that the snapshot names is removed before it is copied.
        using var pin = await SpoolPin.HoldAsync(_data, clock);
        var madeAt = clock.GetUtcNow().UtcDateTime;
        BackupDatabase.Snapshot(Store, copy);
        BackupDatabase.Check(copy);
        var schema = BackupDatabase.Read(copy, BackupDatabase.Schema);
        if (schema != Migrator.Latest)
        {
            throw new StoreRefusedException(
                $"The store was written by {(schema > Migrator.Latest ? "a newer" : "an older")} program (schema {schema}; this "
                    + $"one has {Migrator.Latest}). Use the backup command of the program that runs it."
            );
        }

        var history = BackupDatabase.Read(copy, BackupDatabase.History);
        if (before is not null && !history.Contains(before.History))
        {
            throw new StoreRefusedException(
                $"The backup in '{_target}' (made {before.MadeAt:yyyy-MM-ddTHH:mm:ssZ}) has something that this store has not: it is "
                    + "newer, or of another store. Name another directory."
            );
        }

        List<BackupFile> files = [Digest(copy, BackupFile.Database)];
        var lost = CopySpool(BackupDatabase.Read(copy, BackupDatabase.Spool), files);
        if (withKeys)
            CopyKeys(files);
        var manifest = new BackupManifest
        {
            Format = BackupManifest.Known,
            Program = program,
            Schema = schema,
            MadeAt = madeAt,
            History = history,
            Counts = BackupDatabase.Read(copy, BackupDatabase.Counts),
            MasterKeys = [.. BackupDatabase.Read(copy, SealedColumns.KeysInUse).Order()],
            Files = files,
        };
        PrivateFiles.Write(Path.Combine(Draft, BackupManifest.FileName), manifest.ToJson());
        return (manifest, lost);
    }

    private List<string> CopySpool(List<string> names, List<BackupFile> files)
    {
        var lost = new List<string>();
        if (names.Count == 0)
            return lost;
        var folder = Path.Combine(Draft, "spool");
        PrivateFiles.MakeDirectory(folder);
        foreach (var name in names)
        {
            try
            {
                var (size, hash) = PrivateFiles.Copy(Path.Combine(_data, "spool", name), Path.Combine(folder, name));
                files.Add(new(BackupFile.Spool + name, size, hash));
            }
            catch (FileNotFoundException)
            {
                lost.Add(name); // not removed by us, since the spool is pinned
            }
        }

        DirectorySync.Flush(folder);
        return lost;
    }

    private void CopyKeys(List<BackupFile> files)
    {
        foreach (var name in (string[])[BackupFile.AdminKey, BackupFile.MasterKey])
        {
            if (!File.Exists(Path.Combine(_data, name)))
                continue;
            var (size, hash) = PrivateFiles.Copy(Path.Combine(_data, name), Path.Combine(Draft, name));
            files.Add(new(name, size, hash));
        }
    }

    private void Replace()
    {
        if (!Directory.Exists(_target))
        {
            Directory.Move(Draft, _target);
        }
        else if (PrivateFiles.TryExchange(Draft, _target))
        {
            DirectorySync.Flush(Path.GetDirectoryName(_target)!);
            Directory.Delete(Draft, recursive: true);
        }
        else
        {
            // This file system cannot exchange directories; if the process ends in between, the next backup finds the old one.
            if (Directory.Exists(Old))
                Directory.Delete(Old, recursive: true);
            Directory.Move(_target, Old);
            Directory.Move(Draft, _target);
            DirectorySync.Flush(Path.GetDirectoryName(_target)!);
            Directory.Delete(Old, recursive: true);
        }

        DirectorySync.Flush(Path.GetDirectoryName(_target)!);
    }

    private static BackupFile Digest(string path, string name)
    {
        var (size, hash) = PrivateFiles.Digest(path);
        return new(name, size, hash);
    }

    private static bool IsWithin(string path, string folder) =>
        path == folder || path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
