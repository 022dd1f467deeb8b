using System.Text;
using MailProxy.Tests.Support;

namespace MailProxy.Tests.EndToEnd;

/// <summary>
/// A small disk of its own that can be filled to the last page. Needs root, or sudo without a password; fails and says so otherwise.
/// </summary>
internal sealed class TmpfsMount : IAsyncDisposable
{
    private readonly TempDirectory _place = new();

    private string Filler => Path.Combine(_place, "filler");

    public string Data => Path.Combine(_place, "data");

    public static async Task<TmpfsMount> MakeAsync(int megabytes)
    {
        var mount = new TmpfsMount();
        try
        {
            await Run.AsRootAsync("mount", "-t", "tmpfs", "-o", $"size={megabytes}m,mode=1777", "mailproxy-test", mount._place.Path);
        }
        catch (InvalidOperationException error)
        {
            mount._place.Dispose();
            throw new InvalidOperationException(
                "The tests of a full disk need to mount a small tmpfs, and this machine does not let them: run the tests as root "
                    + "(in a container: with CAP_SYS_ADMIN).",
                error
            );
        }

        Directory.CreateDirectory(mount.Data);
        return mount;
    }

    /// <summary>Until not one page more fits. What is written a little at a time uses up every page that somebody gives back.</summary>
    public void Fill()
    {
        using var file = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
        foreach (var step in new[] { 1 << 20, 4096, 1 })
        {
            var block = Encoding.ASCII.GetBytes(new string('x', step));
            try
            {
                while (true)
                    file.Write(block);
            }
            catch (IOException)
            {
                // Full for this step.
            }
        }
    }

    public Task MakeReadOnlyAsync() => Run.AsRootAsync("mount", "-o", "remount,ro", _place.Path);

    public void Free() => File.Delete(Filler);

    /// <summary>Gives this much back.</summary>
    public void Free(int megabytes)
    {
        using var file = new FileStream(Filler, FileMode.Open, FileAccess.Write);
        file.SetLength(file.Length - ((long)megabytes << 20));
    }

    public async ValueTask DisposeAsync()
    {
        await Run.AsRootAsync("umount", "-l", _place.Path);
        _place.Dispose();
    }
}
