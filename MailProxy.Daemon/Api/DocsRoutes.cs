using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Api;

/// <summary>
/// The API's document as pages for people, below <c>/docs</c>. Nothing of them is loaded before somebody opens one, and they load nothing
/// from elsewhere.
/// </summary>
internal sealed class DocsRoutes(IServiceProvider services, IOptions<ApiOptions> options)
{
    // What the pages need beside their own scripts: they put styles into themselves, have images and fonts in them, and ask the daemon.
    private const string OtherSources =
        "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src 'nonce-";

    // What could not be made is tried again by the next request.
    private readonly Lazy<RequestDelegate> _pages = new(() => ScalarPages.Make(services), LazyThreadSafetyMode.PublicationOnly);

    public void Map(IEndpointRouteBuilder app)
    {
        if (options.Value.Docs)
            app.MapMethods("/docs/{**page}", [HttpMethods.Get], (RequestDelegate)AnswerAsync)
                .WithMetadata(PublicRoute.Mark)
                .ExcludeFromDescription();
    }

    private Task AnswerAsync(HttpContext http)
    {
        var nonce = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        http.Items[ScalarPages.Nonce] = nonce;
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = $"{OtherSources}{nonce}'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";

        // The pages have routes of their own.
        http.SetEndpoint(null);
        return _pages.Value(http);
    }
}
