using System.Net;
using MailProxy.Daemon.Api;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>
/// Asks the daemon's HTTP API from within the process: keys, tenants, scopes, quotas and the audit log act as for any client, and no
/// connection is needed.
/// </summary>
/// <param name="api">The daemon's pipeline behind the page's step.</param>
internal sealed class LocalApi(RequestDelegate api, IServiceProvider services) : HttpMessageHandler
{
    /// <summary>The address that a request is made for: <see cref="IPAddress"/>, absent when it is not known.</summary>
    public static readonly HttpRequestOptionsKey<IPAddress?> Address = new("address");

    /// <summary>How many bytes of an answer are kept; one that has more is answered as 413.</summary>
    public static readonly HttpRequestOptionsKey<int> Most = new("most");

    private readonly IServiceScopeFactory _scopes = services.GetRequiredService<IServiceScopeFactory>();

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        // A long body is read while it comes.
        var body = request.Content is null ? null : await request.Content.ReadAsStreamAsync(cancellationToken);
        using var answer = new KeptBytes(request.Options.TryGetValue(Most, out var most) ? most : int.MaxValue);
        var response = new LocalResponse();
        var features = Features(request, body, response, answer, cancellationToken);
        var http = new DefaultHttpContext(features) { ServiceScopeFactory = _scopes };
        await api(http);
        await http.Response.BodyWriter.FlushAsync(cancellationToken);
        await response.CompleteAsync();
        return answer.IsCut
            ? new(HttpStatusCode.RequestEntityTooLarge) { RequestMessage = request }
            : Message(request, response, answer.ToArray());
    }

    private static FeatureCollection Features(
        HttpRequestMessage request,
        Stream? body,
        LocalResponse response,
        Stream answer,
        CancellationToken gone
    )
    {
        var url = request.RequestUri ?? throw new InvalidOperationException("The request has no address.");
        var asked = new HttpRequestFeature
        {
            Method = request.Method.Method,
            Scheme = "http",
            Protocol = "HTTP/1.1",
            Path = Uri.UnescapeDataString(url.AbsolutePath),
            QueryString = url.Query,
            RawTarget = url.PathAndQuery,
            Body = body ?? Stream.Null,
            Headers = Headers(request),
        };
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(asked);
        features.Set<IHttpResponseFeature>(response);
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(answer));
        features.Set<IHttpRequestBodyDetectionFeature>(new Detection(body is not null && request.Content?.Headers.ContentLength is not 0));
        features.Set<IHttpRequestLifetimeFeature>(new HttpRequestLifetimeFeature { RequestAborted = gone });
        if (request.Method == HttpMethod.Get)
            features.Set(UnnotedRequest.Mark);
        request.Options.TryGetValue(Address, out var address);
        features.Set<IHttpConnectionFeature>(new HttpConnectionFeature { RemoteIpAddress = address });
        return features;
    }

    private static HeaderDictionary Headers(HttpRequestMessage request)
    {
        var headers = new HeaderDictionary { [HeaderNames.Host] = "localhost" };
        foreach (var (name, values) in request.Headers)
            headers[name] = values.ToArray();
        if (request.Content is { } content)
        {
            foreach (var (name, values) in content.Headers)
                headers[name] = values.ToArray();
            headers.ContentLength = content.Headers.ContentLength;
        }

        return headers;
    }

    private static HttpResponseMessage Message(HttpRequestMessage request, LocalResponse response, byte[] answer)
    {
        var message = new HttpResponseMessage((HttpStatusCode)response.StatusCode)
        {
            RequestMessage = request,
            Content = new ByteArrayContent(answer),
        };
        foreach (var (name, values) in response.Headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                message.Content.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }

        return message;
    }

    /// <summary>Keeps what is written up to a number of bytes; what comes beyond is dropped, and told.</summary>
    private sealed class KeptBytes(int most) : MemoryStream
    {
        public bool IsCut { get; private set; }

        // Every other way of writing comes here.
        public override void Write(byte[] buffer, int offset, int count)
        {
            if (IsCut || Length + count > most)
                IsCut = true;
            else
                base.Write(buffer, offset, count);
        }
    }

    private sealed record Detection(bool CanHaveBody) : IHttpRequestBodyDetectionFeature;

    /// <summary>Runs what waits for the answer's beginning and end, which the framework's own feature forgets.</summary>
    private sealed class LocalResponse : HttpResponseFeature
    {
        private readonly Stack<(Func<object, Task> Run, object State)> _starting = new();
        private readonly Stack<(Func<object, Task> Run, object State)> _completed = new();

        public override void OnStarting(Func<object, Task> callback, object state) => _starting.Push((callback, state));

        public override void OnCompleted(Func<object, Task> callback, object state) => _completed.Push((callback, state));

        public async Task CompleteAsync()
        {
            while (_starting.TryPop(out var one))
                await one.Run(one.State);
            while (_completed.TryPop(out var one))
                await one.Run(one.State);
        }
    }
}
