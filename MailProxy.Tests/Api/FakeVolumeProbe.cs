using MailProxy.Pipeline.Configuration.Volumes;

namespace MailProxy.Tests.Api;

internal sealed class FakeVolumeProbe : IVolumeProbe
{
    public VolumeTest Seen { get; set; } = new(true, TimeSpan.FromMilliseconds(12.34), Objects: 3);
    public (string Volume, string? Path)? Asked { get; private set; }

    public Task<VolumeTest> TestAsync(Volume volume, string? path, CancellationToken cancel)
    {
        Asked = (volume.ToString(), path);
        return Task.FromResult(Seen);
    }
}
