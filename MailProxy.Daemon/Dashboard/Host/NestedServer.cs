using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>A server that listens nowhere: it gets its requests from the daemon's own server.</summary>
internal sealed class NestedServer : IServer
{
    private Func<FeatureCollection, Task>? _run;

    public IFeatureCollection Features { get; } = new FeatureCollection();

    /// <summary>Has the application answer a request of the daemon's server.</summary>
    /// <param name="path">The request's path below the application.</param>
    public Task RunAsync(HttpContext outer, PathString pathBase, PathString path)
    {
        var features = new FeatureCollection(outer.Features);
        features.Set<IHttpRequestFeature>(new NestedRequest(outer.Features.GetRequiredFeature<IHttpRequestFeature>(), pathBase, path));

        // What the daemon's own pipeline has put beside the request is not the application's.
        features.Set<IItemsFeature>(new ItemsFeature());
        features.Set<IServiceProvidersFeature>(null);
        features.Set<IEndpointFeature>(new NoEndpoint());
        features.Set<IRouteValuesFeature>(new RouteValuesFeature());
        features.Set<IHttpAuthenticationFeature>(new HttpAuthenticationFeature());
        features.Set<IQueryFeature>(new QueryFeature(features));
        features.Set<IRequestCookiesFeature>(new RequestCookiesFeature(features));
        features.Set<IResponseCookiesFeature>(new ResponseCookiesFeature(features));
        features.Set<IFormFeature>(null);
        return (_run ?? throw new InvalidOperationException("The application has not started."))(features);
    }

    public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
        where TContext : notnull
    {
        _run = async features =>
        {
            var context = application.CreateContext(features);
            try
            {
                await application.ProcessRequestAsync(context);
                application.DisposeContext(context, null);
            }
            catch (Exception error)
            {
                application.DisposeContext(context, error);
                throw;
            }
        };
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() { }

    private sealed class NoEndpoint : IEndpointFeature
    {
        public Endpoint? Endpoint { get; set; }
    }

    private sealed class NestedRequest(IHttpRequestFeature outer, PathString pathBase, PathString path) : IHttpRequestFeature
    {
        public string Protocol { get; set; } = outer.Protocol;
        public string Scheme { get; set; } = outer.Scheme;
        public string Method { get; set; } = outer.Method;
        public string PathBase { get; set; } = pathBase.Value ?? "";
        public string Path { get; set; } = path.Value ?? "";
        public string QueryString { get; set; } = outer.QueryString;
        public string RawTarget { get; set; } = outer.RawTarget;
        public IHeaderDictionary Headers { get; set; } = outer.Headers;
        public Stream Body { get; set; } = outer.Body;
    }
}
