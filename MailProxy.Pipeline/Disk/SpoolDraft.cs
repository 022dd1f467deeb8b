using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace MailProxy.Pipeline.Disk;

/// <summary>
/// A spool file that is being written: content as it arrives, and the message's JSON at its end. It survives a power cut once
/// it is finished,
/// and is removed when it is disposed before. One owner at a time.
/// </summary>
/// <param name="keep">Keeps the finished file, by its name and path, for others; null: nobody else needs it.</param>
public sealed class SpoolDraft(string directory, Func<string, string, Task>? keep = null) : IDisposable
{
    /// <summary>How a file that is not finished ends; the sweep at the start removes it.</summary>
    public const string Suffix = ".part";

    private SafeFileHandle? _handle;
    private byte[] _pending = [];
    private int _pended;
    private long _written; // in the file
    private bool _exists,
        _over;

    /// <summary>What its name begins with, and what nobody could have known before.</summary>
    public string Nonce { get; } = Guid.NewGuid().ToString("N");

    /// <summary>Bytes so far, those included that are not in the file yet.</summary>
    public long Length => _written + _pended;

    private string DraftPath => Path.Combine(directory, Nonce + Suffix);

    /// <summary>Space for at least so many bytes; then <see cref="Advance"/>.</summary>
    public Span<byte> Space(int count)
    {
        if (_pending.Length - _pended < count)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_pended + count, 2 * _pending.Length));
            _pending.AsSpan(0, _pended).CopyTo(larger);
            GiveBack();
            _pending = larger;
        }

        return _pending.AsSpan(_pended);
    }

    public void Advance(int count) => _pended += count;

    /// <summary>Writes what has gathered. Not yet synced.</summary>
    /// <exception cref="IOException">The disk is full, or does not write.</exception>
    public async ValueTask FlushAsync()
    {
        if (_pended == 0)
            return;
        await RandomAccess.WriteAsync(Open(), _pending.AsMemory(0, _pended), _written);
        DiskSteps.Wrote(DraftPath, _written, _pending.AsSpan(0, _pended));
        Flushed();
    }

    /// <summary>As <see cref="FlushAsync"/>, for whoever reads and writes in turn.</summary>
    /// <exception cref="IOException">The disk is full, or does not write.</exception>
    public void Flush()
    {
        if (_pended == 0)
            return;
        RandomAccess.Write(Open(), _pending.AsSpan(0, _pended), _written);
        DiskSteps.Wrote(DraftPath, _written, _pending.AsSpan(0, _pended));
        Flushed();
    }

    /// <summary>Nothing is written for a while: the file is closed until it is needed again.</summary>
    public void Rest()
    {
        _handle?.Dispose();
        _handle = null;
    }

    /// <summary>Reads from what was flushed, until the span is full.</summary>
    /// <exception cref="IOException">The disk does not read.</exception>
    public void Read(long offset, Span<byte> into)
    {
        while (!into.IsEmpty)
        {
            var read = RandomAccess.Read(Open(), into, offset);
            if (read == 0)
                throw new EndOfStreamException("A spool file is shorter than what was written.");
            offset += read;
            into = into[read..];
        }
    }

    /// <summary>
    /// Writes the message's JSON behind what is there, and returns the file's name when all of it would survive a power cut.
    /// The name says where
    /// the JSON begins.
    /// </summary>
    /// <exception cref="IOException">The disk is full, or does not write; no file is left behind.</exception>
    public async Task<string> FinishAsync(ReadOnlyMemory<byte> json)
    {
        var name = SpoolName.Of(Nonce, Length);
        var path = Path.Combine(directory, name);
        try
        {
            await FlushAsync();
            await RandomAccess.WriteAsync(Open(), json, _written);
            DiskSteps.Wrote(DraftPath, _written, json.Span);
            DiskSteps.Tell(DiskStep.Syncing, DraftPath);
            await Task.Run(() => RandomAccess.FlushToDisk(Open()));
            DiskSteps.Tell(DiskStep.Synced, DraftPath);
            Rest();
            File.Move(DraftPath, path);
            DiskSteps.Tell(DiskStep.Moved, DraftPath, path);
            _over = true;
            await Task.Run(() => DirectorySync.Flush(directory));
            if (keep is not null)
                await keep(name, path);
            return name;
        }
        catch (IOException)
        {
            Remove(path);
            throw;
        }
        finally
        {
            Dispose();
        }
    }

    public void Dispose()
    {
        Rest();
        GiveBack();
        _pending = [];
        if (!_exists || _over)
            return;
        _over = true;
        Remove(DraftPath);
    }

    private SafeFileHandle Open()
    {
        ObjectDisposedException.ThrowIf(_over, this);
        if (_handle is not null)
            return _handle;
        var mode = _exists ? FileMode.Open : FileMode.CreateNew;
        _handle = File.OpenHandle(DraftPath, mode, FileAccess.ReadWrite, FileShare.None, FileOptions.Asynchronous);
        if (!_exists)
            DiskSteps.Tell(DiskStep.Made, DraftPath);
        _exists = true;
        return _handle;
    }

    private void Flushed()
    {
        _written += _pended;
        _pended = 0;
        GiveBack();
        _pending = [];
    }

    private void GiveBack()
    {
        if (_pending.Length > 0)
            ArrayPool<byte>.Shared.Return(_pending);
    }

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
            DiskSteps.Tell(DiskStep.Removed, path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The sweep at the next start removes it.
        }
    }
}
