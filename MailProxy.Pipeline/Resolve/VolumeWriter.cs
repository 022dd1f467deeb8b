using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Puts files for links into volumes, and removes them. Every error counts as a temporary one of the volume: <see
/// cref="SourceFault.Down"/>.
/// </summary>
internal sealed class VolumeWriter(S3Clients clients, TimeProvider clock)
{
    // Timeout of an upload: one minute, plus the time its size takes at 64 KB/s.
    private const long SlowestBytes = 64 * 1024;

    private static readonly TimeSpan ShortTimeout = TimeSpan.FromMinutes(1);

    public static bool Takes(Volume volume) => volume.Config is VolumeConfig.S3 || volume is { AdminSet: true, Config: VolumeConfig.Local };

    /// <summary>Writes the whole file, replacing what a failed upload may have left.</summary>
    public Task PutAsync(Volume volume, string key, LargeFile file, CancellationToken cancel) =>
        DoAsync(
            volume,
            ShortTimeout + TimeSpan.FromSeconds(file.Size / SlowestBytes),
            async token =>
            {
                if (volume.Config is VolumeConfig.Local local)
                {
                    await using var content = file.Open();
                    await LocalVolume.PutAsync(local.Root, key, content, file.Size, token);
                    return;
                }

                var store = (VolumeConfig.S3)volume.Config;
                await S3Upload.PutAsync(clients.Of(volume, store), store, key, file, token);
            },
            cancel
        );

    /// <summary>Removes a file; a missing file counts as removed.</summary>
    public Task RemoveAsync(Volume volume, string key, CancellationToken cancel) =>
        DoAsync(
            volume,
            ShortTimeout,
            async token =>
            {
                if (volume.Config is VolumeConfig.Local local)
                    LocalVolume.Remove(local.Root, key);
                else if (volume.Config is VolumeConfig.S3 store)
                    await DeleteAsync(volume, store, key, token);
            },
            cancel
        );

    /// <summary>An address at which anybody may get the file, under its name, until it expires.</summary>
    /// <param name="head">The signature is for HEAD instead of GET; it is valid for one method only.</param>
    public async Task<Uri> PresignAsync(Volume volume, string key, string name, string contentType, DateTimeOffset expires, bool head)
    {
        var store = (VolumeConfig.S3)volume.Config;
        Uri? address = null;
        await DoAsync(
            volume,
            ShortTimeout,
            async _ =>
                address = new(
                    await clients
                        .Of(volume, store)
                        .GetPreSignedURLAsync(
                            new GetPreSignedUrlRequest
                            {
                                BucketName = store.Bucket,
                                Key = store.KeyOf(key),
                                Verb = head ? HttpVerb.HEAD : HttpVerb.GET,
                                Expires = expires.UtcDateTime,
                                Protocol = store.Endpoint?.Scheme == Uri.UriSchemeHttp ? Protocol.HTTP : Protocol.HTTPS,
                                ResponseHeaderOverrides = new()
                                {
                                    ContentDisposition = DownloadName.Header(name),
                                    ContentType = contentType,
                                },
                            }
                        )
                ),
            CancellationToken.None
        );
        return address!;
    }

    /// <summary>Opens a file of this machine. Throws <see cref="SourceException"/>.</summary>
    public static FileStream Open(VolumeConfig.Local local, string key) => RootedFile.Open(local.Root, key, "linked file");

    private async Task DeleteAsync(Volume volume, VolumeConfig.S3 store, string key, CancellationToken cancel)
    {
        try
        {
            await clients.Of(volume, store).DeleteObjectAsync(store.Bucket, store.KeyOf(key), cancel);
        }
        catch (AmazonServiceException error) when (error.ErrorCode == "NoSuchKey")
        {
            // Some stores report a missing key, where S3 itself answers as if the object had existed.
        }
    }

    private async Task DoAsync(Volume volume, TimeSpan timeout, Func<CancellationToken, Task> work, CancellationToken cancel)
    {
        using var late = new CancellationTokenSource(timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, late.Token);
        try
        {
            await work(either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw Down(volume, "it did not answer in time", null);
        }
        catch (SourceException error)
        {
            throw error.Fault == SourceFault.Down ? error : new SourceException(SourceFault.Down, error.Message, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException && volume.Config is VolumeConfig.Local)
        {
            throw Down(volume, "its directory cannot be written", error);
        }
        catch (Exception error) when (error is not OperationCanceledException && volume.Config is VolumeConfig.S3)
        {
            if (error is AmazonServiceException { StatusCode: HttpStatusCode.NotFound })
                throw Down(volume, "the bucket is not there", error);
            throw new SourceException(
                SourceFault.Down,
                S3Source.Explain($"The volume '{volume.Id}'", (VolumeConfig.S3)volume.Config, error).Message,
                error
            );
        }
    }

    private static SourceException Down(Volume volume, string why, Exception? trouble) =>
        new(SourceFault.Down, $"The volume '{volume.Id}': {why}.", trouble);
}
