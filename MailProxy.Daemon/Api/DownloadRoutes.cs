using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using Microsoft.Net.Http.Headers;

namespace MailProxy.Daemon.Api;

/// <summary>Files that mail links to. No key: whoever has the link has the file.</summary>
internal sealed class DownloadRoutes(OpenDownload open)
{
    private static readonly ProblemAnswer Expired = ProblemAnswer.Of(410, "expired", "The link is no longer valid.");
    private static readonly ProblemAnswer Unavailable = new(new(503, "unavailable", "The file cannot be read now; try again later."), 60);

    public void Map(IEndpointRouteBuilder app)
    {
        app.MapGet("/d/{token}", Get)
            .Public()
            .WithName("download")
            .WithSummary("A file that a mail links to")
            .WithTags("Downloads")
            .Produces<byte[]>(StatusCodes.Status200OK, "application/octet-stream")
            .Produces<byte[]>(StatusCodes.Status206PartialContent, "application/octet-stream")
            .Produces(StatusCodes.Status302Found);
        app.MapMethods("/d/{token}", [HttpMethods.Head], Get).Public().ExcludeFromDescription();
    }

    private async Task<IResult> Get(HttpContext http, string token)
    {
        // The address is a secret: it goes to no other site, no cache, and no browser makes a page of what somebody uploaded.
        var headers = http.Response.Headers;
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "private, no-cache";
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "sandbox; default-src 'none'";
        switch (await open(token, HttpMethods.IsHead(http.Request.Method), http.RequestAborted))
        {
            case Download.File file:
                headers.ContentDisposition = DownloadName.Header(file.Name);
                return TypedResults.Stream(
                    file.Content,
                    file.ContentType,
                    fileDownloadName: null,
                    file.Modified,
                    new EntityTagHeaderValue($"\"{file.Tag}\""),
                    enableRangeProcessing: true
                );
            case Download.Elsewhere elsewhere:
                headers.CacheControl = "no-store";
                return TypedResults.Redirect(elsewhere.Address.AbsoluteUri);
            case Download.Expired:
                return Expired;
            case Download.Unavailable:
                return Unavailable;
            default:
                return ProblemAnswer.NotFound("file");
        }
    }
}
