using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Combines everything about links to large files: making them, serving them, and removing expired files.</summary>
public sealed class LargeFileService : IDisposable
{
    private readonly CurrentVolumes _volumes;
    private readonly S3Clients _clients;
    private readonly LinkSweep _sweep;

    /// <param name="publicUrl">Where the daemon is reached from outside; null: only links straight to S3 can be made.</param>
    public LargeFileService(
        ILinkStore store,
        CurrentVolumes volumes,
        Dialer dialer,
        Uri? publicUrl,
        TimeProvider clock,
        ILoggerFactory logs
    )
    {
        _volumes = volumes;
        _clients = new(dialer);
        var writer = new VolumeWriter(_clients, clock);
        var tokens = new LinkTokens(store.SigningKey, publicUrl);
        Files = new(store, volumes, writer, tokens, clock, logs.CreateLogger<LargeFileLinks>());
        Downloads = new(store, volumes, writer, tokens, clock);
        _sweep = new(store, volumes, writer, clock, logs.CreateLogger<LinkSweep>());
        _volumes.Changed += Forget;
    }

    /// <summary>Serves the links, for the HTTP endpoint.</summary>
    public LinkDownloads Downloads { get; }

    /// <summary>Makes the links, for the Resolve stage.</summary>
    internal LargeFileLinks Files { get; }

    /// <summary>Removes linked files that have expired, until <paramref name="stop"/>.</summary>
    public Task RunAsync(CancellationToken stop) => _sweep.RunAsync(stop);

    public void Dispose()
    {
        _volumes.Changed -= Forget;
        _clients.Dispose();
    }

    private void Forget() => _clients.Keep(_volumes.Directory);
}
