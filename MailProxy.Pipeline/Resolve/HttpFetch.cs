using System.Net;
using System.Runtime.CompilerServices;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Resolve;

/// <summary>One HTTP request for content.</summary>
/// <param name="Source">Names the source in messages.</param>
/// <param name="Post">JSON to post; null for a GET.</param>
/// <param name="Trace">The trace that the request belongs to; null: it says nothing of one.</param>
internal sealed record HttpAsk(Uri Address, SourceAuth? Auth, object Source, byte[]? Post = null, TraceContext? Trace = null);

/// <summary>
/// Fetches over HTTP from addresses that clients named. Every connection, including those after redirects, is made by the dialer, which
/// checks the IP address that it really connects to.
/// </summary>
/// <param name="http">Must not follow redirects, decompress, or use a proxy.</param>
internal sealed class HttpFetch(HttpMessageInvoker http, ResolveOptions options, TimeProvider clock)
{
    private const int MaxRedirects = 3;

    /// <summary>Returns when the headers of a 200 have arrived.</summary>
    public async Task<OpenedSource> OpenAsync(HttpAsk ask, CancellationToken cancel)
    {
        var asked = new StrongBox<Uri>(ask.Address);
        using var late = new CancellationTokenSource(options.FirstByteTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, late.Token);
        try
        {
            return await FollowAsync(ask, asked, either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new SourceException(SourceFault.Down, $"{ask.Source}: no answer in time.");
        }
        catch (Exception error) when (error is not (SourceException or OperationCanceledException))
        {
            // Whatever a stored address or a misbehaving server causes here is an error of the source, and affects nothing else.
            throw Explain(ask.Source, error, asked.Value);
        }
    }

    /// <summary>Describes what a failed connection or request says about the source.</summary>
    /// <param name="address">The address that was requested; null when it is not known.</param>
    public static SourceException Explain(object source, Exception trouble, Uri? address)
    {
        var text = $"{source}: {HttpTrouble.Explain(trouble, address)}.";
        if (HttpTrouble.Refusal(trouble) is { } refused)
            return new(refused.ForGood ? SourceFault.Refused : SourceFault.Down, text, trouble) { NotAllowed = true };
        if (trouble is FormatException and not UriFormatException)
            return new(SourceFault.Refused, $"{source}: {trouble.Message}.", trouble);
        return new(
            (trouble as HttpRequestException)?.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded
                ? SourceFault.Refused
                : SourceFault.Down,
            text,
            trouble
        );
    }

    private async Task<OpenedSource> FollowAsync(HttpAsk ask, StrongBox<Uri> asked, CancellationToken cancel)
    {
        var (address, auth, post, trace) = (ask.Address, ask.Auth, ask.Post, ask.Trace);
        for (var redirects = 0; ; redirects++)
        {
            asked.Value = address;
            using var request = Request(address, auth, post, trace);
            var response = await http.SendAsync(request, cancel);
            try
            {
                if (!IsRedirect(response))
                    return await TakeAsync(response, ask.Source, cancel);
                if (redirects == MaxRedirects)
                    throw Refused(ask.Source, $"it redirects more than {MaxRedirects} times.");
                var next = Target(address, response, ask.Source);
                var moved = !SameOrigin(address, next);

                // The target of the redirect was not given these credentials, even if it redirects back to us.
                if (moved)
                    (auth, trace) = (null, null);
                if (response.StatusCode is not (HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect))
                    post = null;
                else if (moved && post is not null)
                    throw Refused(ask.Source, "it redirects a POST to another host.");
                address = next;
            }
            catch
            {
                response.Dispose();
                throw;
            }

            response.Dispose();
        }
    }

    private async Task<OpenedSource> TakeAsync(HttpResponseMessage response, object source, CancellationToken cancel)
    {
        if (Fault(response.StatusCode) is { } fault)
            throw new SourceException(fault, $"{source}: it answered {(int)response.StatusCode}.")
            {
                Answered = response.StatusCode,
                RetryAfter = RetryAfter(response),
            };
        if (response.Content.Headers.ContentEncoding.Any(static e => !e.Equals("identity", StringComparison.OrdinalIgnoreCase)))
            throw Refused(source, "it is encoded, although that was not asked for.");
        var length = response.Content.Headers.ContentLength;
        if (length > options.MaxAttachmentBytes)
            throw SourceException.TooLarge(source, options.MaxAttachmentBytes);
        return new(
            new CappedStream(await response.Content.ReadAsStreamAsync(cancel), source, length, options.MaxAttachmentBytes),
            length,
            response
        );
    }

    /// <summary>Classifies a status; null when content follows.</summary>
    public static SourceFault? Fault(HttpStatusCode status) =>
        (int)status switch
        {
            200 or 203 => null,
            404 or 410 => SourceFault.Gone,
            408 or 425 or 429 or >= 500 => SourceFault.Down,
            _ => SourceFault.Refused,
        };

    private static HttpRequestMessage Request(Uri address, SourceAuth? auth, byte[]? post, TraceContext? trace)
    {
        var request = new HttpRequestMessage(post is null ? HttpMethod.Get : HttpMethod.Post, address);
        request.Headers.AcceptEncoding.Add(new("identity"));
        request.Headers.Accept.Add(new("*/*"));
        request.Headers.UserAgent.Add(new("MailProxy", null));
        if (post is not null)
            request.Content = new ByteArrayContent(post) { Headers = { ContentType = new("application/json") } };
        CredentialHeader.Add(request.Headers, auth);
        trace?.AddTo(request.Headers);
        return request;
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        if (response.Headers.RetryAfter is not { } named)
            return null;
        var wait = named.Delta ?? named.Date - clock.GetUtcNow();
        return wait > TimeSpan.Zero ? wait : null;
    }

    private static bool IsRedirect(HttpResponseMessage response) => (int)response.StatusCode is 301 or 302 or 303 or 307 or 308;

    private static Uri Target(Uri from, HttpResponseMessage response, object source)
    {
        if (response.Headers.Location is not { } location || !Uri.TryCreate(from, location, out var next))
            throw Refused(source, "it redirects without a valid Location.");
        if (next.Scheme is not ("http" or "https") || next.Host.Length == 0)
            throw Refused(source, "it redirects to an address that is not http or https.");
        if (!HttpAddress.IsSendable(next))
            throw Refused(source, "it redirects to an invalid host name.");
        if (next.UserInfo.Length > 0)
            throw Refused(source, "it redirects to an address with credentials.");
        if (from.Scheme == "https" && next.Scheme == "http")
            throw Refused(source, "it redirects from https to http.");
        return next;
    }

    private static bool SameOrigin(Uri one, Uri other) =>
        one.Scheme == other.Scheme && one.Port == other.Port && one.IdnHost.Equals(other.IdnHost, StringComparison.OrdinalIgnoreCase);

    private static SourceException Refused(object source, string why) => new(SourceFault.Refused, $"{source}: {why}");
}
