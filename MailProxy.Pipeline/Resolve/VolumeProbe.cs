using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Reads a volume as the sources do.</summary>
public sealed class VolumeProbe(TimeProvider clock) : IVolumeProbe
{
    private const int Looked = 1_000;

    public Task<VolumeTest> TestAsync(Volume volume, string? path, CancellationToken cancel)
    {
        var began = clock.GetTimestamp();
        var seen = volume.Config is VolumeConfig.Local local && path is null ? Look(local) : new VolumeTest(false, default, Error: "This cannot be tested yet.");
        return Task.FromResult(seen with { Took = clock.GetElapsedTime(began) });
    }

    private static VolumeTest Look(VolumeConfig.Local local)
    {
        try
        {
            var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = false, AttributesToSkip = FileAttributes.ReparsePoint };
            var files = Directory.EnumerateFiles(local.Root, "*", options).Take(Looked + 1).Count();
            return new(true, default, Objects: Math.Min(files, Looked), More: files > Looked);
        }
        catch (DirectoryNotFoundException)
        {
            return new(false, default, Code: "gone", Error: "The directory is not there.");
        }
        catch (Exception refused) when (refused is UnauthorizedAccessException or IOException)
        {
            return new(false, default, Code: "refused", Error: "The directory cannot be read.");
        }
    }
}
