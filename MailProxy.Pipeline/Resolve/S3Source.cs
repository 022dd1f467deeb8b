using System.Net.Sockets;
using Amazon.Runtime;
using Amazon.Runtime.Internal.Util;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Reads objects of an S3-compatible store.</summary>
internal sealed class S3Source(S3Clients clients, ResolveOptions options, TimeProvider clock)
{
    /// <param name="source">Names the source in messages.</param>
    public Task<OpenedSource> OpenAsync(Volume volume, VolumeConfig.S3 config, string path, object source, CancellationToken cancel) =>
        AskAsync(
            source,
            config,
            async token =>
            {
                var response = await clients.Of(volume, config).GetObjectAsync(config.Bucket, config.KeyOf(path), token);
                var length = response.Headers.ContentLength is >= 0 and var declared ? declared : (long?)null;
                if (length <= options.MaxAttachmentBytes || length is null)
                    return new OpenedSource(
                        new CappedStream(Bare(response.ResponseStream), source, length, options.MaxAttachmentBytes),
                        length,
                        response
                    );
                response.Dispose();
                throw SourceException.TooLarge(source, options.MaxAttachmentBytes);
            },
            cancel
        );

    // Unwrapped, because the SDK's own stream copies every block into a new array to hash it once more.
    private static Stream Bare(Stream content) => content is WrapperStream wrapped ? wrapped.GetNonWrapperBaseStream() : content;

    /// <summary>Sends a request to the store, and turns every error into a <see cref="SourceException"/>.</summary>
    public async Task<T> AskAsync<T>(
        object source,
        VolumeConfig.S3 store,
        Func<CancellationToken, Task<T>> question,
        CancellationToken cancel
    )
    {
        using var late = new CancellationTokenSource(options.FirstByteTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, late.Token);
        try
        {
            return await question(either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new SourceException(SourceFault.Down, $"{source}: no answer in time.");
        }
        catch (Exception error) when (error is not (SourceException or OperationCanceledException))
        {
            throw Explain(source, store, error);
        }
    }

    /// <summary>Describes an error of a store, however the SDK reports it: an error answer, no answer, or an invalid one.</summary>
    public static SourceException Explain(object source, VolumeConfig.S3 store, Exception trouble)
    {
        if (trouble is AmazonServiceException { StatusCode: > 0 } told)
        {
            var (code, status) = (Safe(told.ErrorCode), (int)told.StatusCode);
            var why = status is >= 200 and < 300
                ? "what the store answered makes no sense"
                : $"the store answered {status}{(code is null ? "" : $" {code}")}";
            return new(S3Fault.Of(code, told.StatusCode), $"{source}: {why}.", trouble) { Answered = told.StatusCode, AnsweredCode = code };
        }

        return Causes(trouble).FirstOrDefault(IsConnection) is { } connection
            ? HttpFetch.Explain(source, connection, store.Endpoint)
            : new(SourceFault.Down, $"{source}: the server is not an S3 store, or its address cannot be requested.", trouble);
    }

    private static IEnumerable<Exception> Causes(Exception trouble)
    {
        for (var cause = trouble; cause is not null; cause = cause.InnerException)
            yield return cause;
    }

    // The SDK wraps the exception of the connection.
    private static bool IsConnection(Exception cause) =>
        cause is HttpRequestException or SocketException or IOException or AddressRefusedException;

    // The code is text from the store, so it is shown only if it looks like an S3 error code.
    private static string? Safe(string? code) => code is { Length: > 0 and <= 64 } && code.All(char.IsAsciiLetterOrDigit) ? code : null;
}
