using System.Collections.Concurrent;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Bodies that are too large for a row: one file each, synced before the row that names it is committed. Files that no row names are swept
/// at
/// the start.
/// </summary>
public sealed class SpoolFiles
{
    private static readonly TimeSpan YoungestCopy = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan PinnedPause = TimeSpan.FromSeconds(1);

    private readonly string _directory,
        _data;
    private readonly TimeProvider _clock;
    private readonly ILargeBodies? _shared;
    private readonly ConcurrentQueue<string> _pinned = new();
    private int _waiting;

    /// <param name="shared">Where they are kept for other nodes; null: this one is alone.</param>
    public SpoolFiles(string directory, TimeProvider? clock = null, ILargeBodies? shared = null)
    {
        _shared = shared;
        _directory = Path.GetFullPath(directory);
        _data = Path.GetDirectoryName(_directory)!;
        _clock = clock ?? TimeProvider.System;
        MakeDirectory();
    }

    /// <summary>
    /// Creates the directory again after somebody has removed it while we run; true when it was created. Throws <see cref="IOException"/>
    /// or <see
    /// cref="UnauthorizedAccessException"/> when that fails, for instance because the data directory itself is missing.
    /// </summary>
    public bool Restore()
    {
        if (Directory.Exists(_directory))
            return false;
        if (!Directory.Exists(Path.GetDirectoryName(_directory)))
            throw new DirectoryNotFoundException($"The directory above '{_directory}' is missing.");
        MakeDirectory();
        return true;
    }

    /// <summary>Begins a file for content that arrives. Throws as <see cref="Restore"/> does.</summary>
    public SpoolDraft Begin()
    {
        Restore();
        return new(_directory, _shared is null ? null : _shared.PutAsync);
    }

    /// <summary>
    /// Writes a file that survives a power cut, and returns its name. When it throws <see cref="IOException"/>, no file is left behind.
    /// </summary>
    public async Task<string> WriteAsync(ReadOnlyMemory<byte> json)
    {
        using var file = Begin();
        return await file.FinishAsync(json);
    }

    /// <summary>
    /// The JSON of a body, and where the octets of its long strings are. Throws <see cref="IOException"/> when the file is
    /// missing or cannot be
    /// read.
    /// </summary>
    public async Task<(ReadOnlyMemory<byte> Json, SpooledBody? Body)> ReadAsync(string name)
    {
        var (nonce, begins) = SpoolName.Read(name);
        if (_shared is not null && !File.Exists(Full(name)))
            await _shared.FetchAsync(name, Full(name));
        if (begins == 0)
            return (await File.ReadAllBytesAsync(Full(name)), null);
        using var file = File.OpenHandle(Full(name), options: FileOptions.Asynchronous);
        var length = RandomAccess.GetLength(file);
        if (length <= begins)
            throw new EndOfStreamException("it is shorter than its name says");
        var json = new byte[length - begins];
        for (var read = 0; read < json.Length; )
        {
            var some = await RandomAccess.ReadAsync(file, json.AsMemory(read), begins + read);
            if (some == 0)
                throw new EndOfStreamException("it became shorter while it was read");
            read += some;
        }

        return (json, new(Full(name), nonce, begins));
    }

    /// <summary>
    /// The JSON, synchronous, for the writer's thread; null when the file cannot be read, or has more than the JSON.
    /// </summary>
    /// <param name="session">The turn, which reads what another node has written.</param>
    internal byte[]? TryRead(string name, Session session)
    {
        if (SpoolName.Read(name).Json > 0)
            return null;
        try
        {
            if (_shared is not null && !File.Exists(Full(name)))
                return _shared.Read(session, name);
            return File.ReadAllBytes(Full(name));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// Removes a file that no row names any more. While a backup holds the spool, the file is removed as soon as the backup ends. A file
    /// that
    /// cannot be removed is swept at the next start.
    /// </summary>
    public void Delete(string name)
    {
        _shared?.Delete(name);
        if (!SpoolPin.TryWithout(_data, () => Remove(name)))
            Later(name);
    }

    /// <summary>
    /// Removes every file that is not referenced, and returns how many. May only run while nothing is being written. Removes none while a
    /// backup
    /// holds the spool.
    /// </summary>
    public int Sweep(ISet<string> referenced)
    {
        var swept = 0;
        SpoolPin.TryWithout(
            _data,
            () =>
            {
                foreach (var path in Directory.EnumerateFiles(_directory))
                {
                    var name = Path.GetFileName(path);
                    if (referenced.Contains(name))
                        continue;
                    Remove(name);
                    swept++;
                }
            }
        );
        return swept;
    }

    /// <summary>Removes copies whose rows other nodes have removed; none that may belong to a row that is yet to come.</summary>
    public void SweepCopies(ISet<string> referenced)
    {
        var before = _clock.GetUtcNow().UtcDateTime - YoungestCopy;
        foreach (var file in new DirectoryInfo(_directory).EnumerateFiles())
        {
            if (file.LastWriteTimeUtc < before && !referenced.Contains(file.Name))
                Remove(file.Name);
        }
    }

    private void Remove(string name)
    {
        try
        {
            File.Delete(Full(name));
            DiskSteps.Tell(DiskStep.Removed, Full(name));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The sweep at the next start removes it.
        }
    }

    // A task waits for the end of the backup, because the content of mail must not stay longer just since nothing else is deleted
    // afterwards.
    private void Later(string name)
    {
        _pinned.Enqueue(name);
        if (Interlocked.Exchange(ref _waiting, 1) == 0)
            _ = Task.Run(RemovePinnedAsync);
    }

    private async Task RemovePinnedAsync()
    {
        do
        {
            await Task.Delay(PinnedPause, _clock);
            SpoolPin.TryWithout(
                _data,
                () =>
                {
                    while (_pinned.TryDequeue(out var name))
                        Remove(name);
                }
            );
        } while (!_pinned.IsEmpty);

        Interlocked.Exchange(ref _waiting, 0);
        if (!_pinned.IsEmpty && Interlocked.Exchange(ref _waiting, 1) == 0)
            _ = Task.Run(RemovePinnedAsync);
    }

    /// <summary>Bytes that this user may still write to the spool's disk.</summary>
    public long FreeBytes() =>
        new DriveInfo(Directory.Exists(_directory) ? _directory : Path.GetDirectoryName(_directory)!).AvailableFreeSpace;

    private void MakeDirectory() => PrivateFiles.MakeDirectory(_directory); // the content of mail is private

    /// <summary>Describes a file error without the directories of this machine.</summary>
    public static string Why(Exception fault) =>
        fault switch
        {
            FileNotFoundException or DirectoryNotFoundException => "it is missing",
            UnauthorizedAccessException => "the permission is missing",
            _ => fault.Message,
        };

    private string Full(string name) => Path.Combine(_directory, name);
}
