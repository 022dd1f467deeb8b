using System.Text;
using MailProxy.Daemon.Dashboard.Model;
using Microsoft.Net.Http.Headers;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>
/// Content of a mail, which somebody else wrote: its HTML for a frame that runs nothing and loads nothing, its source and its attachments
/// to save.
/// </summary>
internal static class ContentRoute
{
    // Scripts, forms, plug-ins and frames are off; pictures and styles only from within the mail.
    private const string FramePolicy =
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox allow-popups allow-popups-to-escape-sandbox; "
        + "frame-ancestors 'self'";

    /// <param name="source"><c>messages</c> or <c>sandbox</c>.</param>
    /// <param name="part"><c>html</c>, <c>raw</c>, or the number of an attachment.</param>
    public static async Task<IResult> ShowAsync(
        HttpContext http,
        MailSource mails,
        PageApi api,
        string source,
        string id,
        string part,
        string? tenant
    )
    {
        api.Tenant = tenant;
        var found = await mails.ReadAsync(http.User, source, id, http.RequestAborted);
        http.Response.RegisterForDispose(found);
        if (found.Bytes is not { } bytes)
            return Results.Text(found.Trouble + "\n", statusCode: found.Status);
        if (part == "raw")
            return Results.File(bytes, "message/rfc822", "message.eml");
        if (MailContents.Load(bytes) is not { } mail)
            return Results.NotFound();
        if (part == "html")
            return Framed(http, MailContents.Html(mail));
        return int.TryParse(part, out var number) && number >= 0 && MailContents.Attached(mail).ElementAtOrDefault(number) is { } attached
            ? Results.File(MailContents.Bytes(attached), "application/octet-stream", attached.FileName ?? "attachment")
            : Results.NotFound();
    }

    private static IResult Framed(HttpContext http, string? html)
    {
        if (html is null)
            return Results.NotFound();
        http.Response.Headers[HeaderNames.ContentSecurityPolicy] = FramePolicy;
        return Results.Content("<!DOCTYPE html><base target=\"_blank\">" + html, "text/html", Encoding.UTF8);
    }
}
