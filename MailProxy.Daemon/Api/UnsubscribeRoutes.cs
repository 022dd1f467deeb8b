using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.AspNetCore.Http.Features;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Where recipients unsubscribe (RFC 8058). No key: whoever has the link is its recipient. Programs follow every link that they find, so
/// only POST acts, and GET asks.
/// </summary>
internal sealed class UnsubscribeRoutes(UnsubscribeLinks links, ISuppressionStore store, PipelineMetrics metrics)
{
    private const string Field = "List-Unsubscribe",
        OneClick = "One-Click";

    // Room for the one field and what a form puts around it.
    private const int MostBody = 8 * 1024;

    private static readonly FormOptions Form = new()
    {
        BufferBodyLengthLimit = MostBody,
        MultipartBodyLengthLimit = MostBody,
        ValueLengthLimit = 256,
        KeyLengthLimit = 256,
        ValueCountLimit = 4,
    };

    private static readonly ProblemAnswer NoSuchLink = ProblemAnswer.NotFound("link");
    private static readonly ProblemAnswer NotOneClick = ProblemAnswer.Of(
        400,
        "malformed",
        $"Send the form field {Field}={OneClick}, as RFC 8058 has it."
    );

    private static readonly byte[] Ask = Page(
        "Unsubscribe",
        $"""
        <h1>Unsubscribe</h1>
        <p>Do you want no more mail from this sender at the address that this link was sent to?</p>
        <form method="post" action=""><input type="hidden" name="{Field}" value="{OneClick}"><button>Unsubscribe</button></form>
        """
    );

    private static readonly byte[] Over = Page("Unsubscribed", "<h1>Unsubscribed</h1>\n<p>This sender sends you no more mail.</p>");

    public void Map(IEndpointRouteBuilder app)
    {
        app.MapGet("/u/{token}", Get)
            .Public()
            .WithName("askToUnsubscribe")
            .WithSummary("Asks a recipient whether to unsubscribe; changes nothing")
            .WithTags("Unsubscribe")
            .Produces<string>(StatusCodes.Status200OK, "text/html");
        app.MapMethods("/u/{token}", [HttpMethods.Head], Get).Public().ExcludeFromDescription();
        app.MapPost("/u/{token}", Post)
            .Public()
            .WithName("unsubscribe")
            .WithSummary("Unsubscribes the recipient of a mail (RFC 8058)")
            .WithTags("Unsubscribe")
            .Accepts<string>("application/x-www-form-urlencoded", "multipart/form-data")
            .Produces<string>(StatusCodes.Status200OK, "text/html");
    }

    private IResult Get(HttpContext http, string token)
    {
        Guard(http);
        return links.Read(token) is null ? NoSuchLink : new PageAnswer(Ask);
    }

    private async Task<IResult> Post(HttpContext http, string token)
    {
        Guard(http);
        if (links.Read(token) is not { } link)
        {
            Count(Unsubscribing.Unknown);
            return NoSuchLink;
        }

        if (!await IsOneClickAsync(http))
            return NotOneClick;
        var done = await store.UnsubscribeAsync(link);
        Count(done);
        return done == Unsubscribing.Unknown ? NoSuchLink : new PageAnswer(Over);
    }

    // The address is a secret: it goes to no other site and no cache; and the page neither runs nor loads nor is shown inside of another.
    private static void Guard(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        headers["X-Robots-Tag"] = "noindex";
        headers.ContentSecurityPolicy = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    }

    private static async Task<bool> IsOneClickAsync(HttpContext http)
    {
        if (!http.Request.HasFormContentType || http.Request.ContentLength > MostBody)
            return false;
        using var body = new MemoryStream();
        var piece = new byte[1024];
        for (int count; (count = await http.Request.Body.ReadAsync(piece, http.RequestAborted)) > 0; )
        {
            if (body.Length + count > MostBody)
                return false;
            body.Write(piece, 0, count);
        }

        body.Position = 0;
        http.Request.Body = body;
        try
        {
            return (await http.Request.ReadFormAsync(Form, http.RequestAborted))[Field] == OneClick;
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            return false; // not a form
        }
    }

    private void Count(Unsubscribing done) =>
        metrics
            .Unsubscribes.WithLabels(
                done switch
                {
                    Unsubscribing.Done => "done",
                    Unsubscribing.Again => "again",
                    _ => "unknown",
                }
            )
            .Inc();

    private static byte[] Page(string title, string body) =>
        Encoding.UTF8.GetBytes(
            $"""
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
            <body>
            {body}
            </body>
            </html>

            """
        );

    private sealed class PageAnswer(byte[] page) : IResult
    {
        public Task ExecuteAsync(HttpContext http)
        {
            http.Response.ContentType = "text/html; charset=utf-8";
            http.Response.ContentLength = page.Length;
            return HttpMethods.IsHead(http.Request.Method)
                ? Task.CompletedTask
                : http.Response.Body.WriteAsync(page, http.RequestAborted).AsTask();
        }
    }
}
