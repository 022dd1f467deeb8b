using System.Net.Sockets;
using System.Xml;
using Amazon.Runtime;
using Amazon.Runtime.Internal.Util;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Objects of an S3-compatible store.</summary>
internal sealed class S3Source(S3Clients clients, ResolveOptions options, TimeProvider clock)
{
    /// <param name="place">Names the source in messages.</param>
    public Task<OpenedSource> OpenAsync(Volume volume, VolumeConfig.S3 config, string path, object place, CancellationToken cancel) => AskAsync(place, async token =>
    {
        var response = await clients.Of(volume, config).GetObjectAsync(config.Bucket, config.KeyOf(path), token);
        var length = response.Headers.ContentLength is >= 0 and var declared ? declared : (long?)null;
        if (length <= options.MaxAttachmentBytes || length is null) return new OpenedSource(new CappedStream(Bare(response.ResponseStream), place, length, options.MaxAttachmentBytes), length, response);
        response.Dispose();
        throw SourceException.TooLarge(place, options.MaxAttachmentBytes);
    }, cancel);

    // The SDK's own stream copies every block into a new array to hash it once more.
    private static Stream Bare(Stream content) => content is WrapperStream wrapped ? wrapped.GetNonWrapperBaseStream() : content;

    /// <summary>Asks the store something, and says what went wrong as a <see cref="SourceException"/>.</summary>
    public async Task<T> AskAsync<T>(object place, Func<CancellationToken, Task<T>> question, CancellationToken cancel)
    {
        using var late = new CancellationTokenSource(options.FirstByteTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, late.Token);
        try
        {
            return await question(either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new SourceException(SourceFault.Down, $"{place}: no answer in time.");
        }
        catch (XmlException trouble)
        {
            throw new SourceException(SourceFault.Down, $"{place}: what answered is no S3 store.", trouble);
        }
        catch (Exception trouble) when (trouble is AmazonServiceException or AmazonClientException or HttpRequestException or SocketException or IOException or AddressRefusedException)
        {
            throw Explain(place, trouble);
        }
    }

    private static SourceException Explain(object place, Exception trouble)
    {
        if (trouble is AmazonServiceException { StatusCode: > 0 } told)
        {
            var code = Safe(told.ErrorCode);
            return new(HttpFetch.Fault(told.StatusCode) ?? SourceFault.Down, $"{place}: the store answered {(int)told.StatusCode}{(code is null ? "" : $" {code}")}.", trouble) { Answered = told.StatusCode, AnsweredCode = code };
        }

        return HttpFetch.Explain(place, trouble);
    }

    // It is the store's text, so only what looks like one of S3's codes is shown.
    private static string? Safe(string? code) => code is { Length: > 0 and <= 64 } && code.All(char.IsAsciiLetterOrDigit) ? code : null;
}
