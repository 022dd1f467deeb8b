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
    public static async Task<IResult> ShowAsync(HttpContext http, PageApi api, string source, string id, string part, string? tenant)
    {
        api.Tenant = tenant;
        if (source is not ("messages" or "sandbox") || await BytesAsync(api, source, id, http.RequestAborted) is not { } bytes)
            return Results.NotFound();
        if (part == "raw")
            return Results.File(bytes, "message/rfc822", "message.eml");
        if (MailView.Read(bytes) is not { } mail)
            return Results.NotFound();
        if (part == "html")
            return Framed(http, mail);
        return int.TryParse(part, out var number) && mail.Attachment(number) is { } content
            ? Results.File(content, "application/octet-stream", mail.Attachments[number].Name)
            : Results.NotFound();
    }

    /// <summary>The bytes of a mail; null: there is none, or it may not be seen.</summary>
    public static Task<byte[]?> BytesAsync(PageApi api, string source, string id, CancellationToken cancel = default) =>
        api.BytesAsync(
            source == "sandbox" ? $"sandbox/messages/{Uri.EscapeDataString(id)}/raw" : $"messages/{Uri.EscapeDataString(id)}/raw",
            cancel
        );

    private static IResult Framed(HttpContext http, MailView mail)
    {
        if (mail.Html() is not { } html)
            return Results.NotFound();
        http.Response.Headers[HeaderNames.ContentSecurityPolicy] = FramePolicy;
        return Results.Content("<!DOCTYPE html><base target=\"_blank\">" + html, "text/html", Encoding.UTF8);
    }
}
