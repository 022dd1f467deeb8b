using System.Globalization;
using Amazon.S3.Model;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Tests a volume by reading it as the sources do.</summary>
public sealed class VolumeProbe : IVolumeProbe, IDisposable
{
    private const int Looked = 1_000;
    private const int Read = 64 * 1024;

    private readonly TimeProvider _clock;
    private readonly ResolveOptions _options;
    private readonly HttpMessageInvoker _http;
    private readonly S3Clients _clients;
    private readonly S3Source _s3;
    private readonly HttpFetch _fetch;
    private readonly VolumeReader _reader;

    public VolumeProbe(Dialer dialer, ResolveOptions options, TimeProvider clock, ProtectedFiles? secret = null)
    {
        (_clock, _options) = (clock, options);
        _http = dialer.HttpClient();
        _clients = new(dialer);
        _s3 = new(_clients, options, clock);
        _fetch = new(_http, options, clock);
        _reader = new(new(options, clock, secret), _s3, _fetch);
    }

    public async Task<VolumeTest> TestAsync(Volume volume, string? path, CancellationToken cancel)
    {
        var began = _clock.GetTimestamp();
        try
        {
            return await SeeAsync(volume, path, cancel) with { Took = _clock.GetElapsedTime(began) };
        }
        finally
        {
            _clients.Forget(volume);
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _clients.Dispose();
    }

    private async Task<VolumeTest> SeeAsync(Volume volume, string? path, CancellationToken asked)
    {
        // The timeout covers the whole test, so a source that sends slowly is cut off too.
        using var late = new CancellationTokenSource(_options.FirstByteTimeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(asked, late.Token);
        var cancel = either.Token;
        try
        {
            if (path is not null)
                return await ReadAsync(volume, path, cancel);
            return volume.Config switch
            {
                VolumeConfig.S3 store => await ListAsync(volume, store, cancel),
                VolumeConfig.Http web => await VisitAsync(volume, web, cancel),
                VolumeConfig.Local local when volume.AdminSet => await Task.Run(() => Look(local), cancel).WaitAsync(cancel),
                _ => Not("refused", "A directory of this machine needs the admin key."),
            };
        }
        catch (OperationCanceledException) when (!asked.IsCancellationRequested)
        {
            return Not("down", $"{volume.Id}: no answer in time.");
        }
        catch (Exception error) when (error is not (SourceException or OperationCanceledException))
        {
            return Not("down", HttpFetch.Explain(volume.Id, error, null).Message);
        }
        catch (SourceException error)
        {
            return new(
                false,
                default,
                (int?)error.Answered,
                error.AnsweredCode ?? (error.NotAllowed ? "refused" : Name(error.Fault)),
                Error: error.Message
            );
        }
    }

    private async Task<VolumeTest> ReadAsync(Volume volume, string path, CancellationToken cancel)
    {
        if (SourcePath.Fault(path) is { } fault)
            return Not(fault.Code, fault.Detail);
        await using var opened = await _reader.OpenAsync(volume, path, new AttachmentPlace.InVolume(volume.Id, path), cancel);
        var read = await opened.Content.ReadAtLeastAsync(new byte[Read], Read, throwOnEndOfStream: false, cancel);
        return new(true, default, Size: opened.Length ?? (read < Read ? read : null));
    }

    private async Task<VolumeTest> ListAsync(Volume volume, VolumeConfig.S3 store, CancellationToken cancel)
    {
        var request = new ListObjectsV2Request
        {
            BucketName = store.Bucket,
            MaxKeys = Looked,
            Prefix = store.Prefix is null ? null : store.KeyOf(""),
        };
        var listed = await _s3.AskAsync(volume.Id, store, token => _clients.Of(volume, store).ListObjectsV2Async(request, token), cancel);
        return new(true, default, (int)listed.HttpStatusCode, Objects: listed.S3Objects?.Count ?? 0, More: listed.IsTruncated ?? false);
    }

    // A web server without directory listings has no page at the base URL, although its files are there.
    private async Task<VolumeTest> VisitAsync(Volume volume, VolumeConfig.Http web, CancellationToken cancel)
    {
        try
        {
            await using var opened = await _fetch.OpenAsync(new(web.BaseUrl, web.Auth, volume.Id), cancel);
            return new(true, default, 200);
        }
        catch (SourceException error) when ((int?)error.Answered is 403 or 404)
        {
            var status = (int)error.Answered!.Value;
            return new(
                false,
                default,
                status,
                Name(error.Fault),
                Error: string.Create(
                    CultureInfo.InvariantCulture,
                    $"The server answers, but {status} for the base URL itself; test with the path of a file."
                )
            );
        }
    }

    private static VolumeTest Look(VolumeConfig.Local local)
    {
        try
        {
            var options = new EnumerationOptions
            {
                RecurseSubdirectories = true,
                IgnoreInaccessible = false,
                AttributesToSkip = FileAttributes.ReparsePoint,
            };
            var files = Directory.EnumerateFiles(local.Root, "*", options).Take(Looked + 1).Count();
            return new(true, default, Objects: Math.Min(files, Looked), More: files > Looked);
        }
        catch (DirectoryNotFoundException)
        {
            return Not("gone", "The directory is not there.");
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            return Not("refused", "The directory cannot be read.");
        }
    }

    private static VolumeTest Not(string code, string error) => new(false, default, Code: code, Error: error);

    private static string Name(SourceFault fault) =>
        fault switch
        {
            SourceFault.Gone => "gone",
            SourceFault.Refused => "refused",
            _ => "down",
        };
}
