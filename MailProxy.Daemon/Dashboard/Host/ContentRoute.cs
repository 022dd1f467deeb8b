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
        PageCapacity capacity,
        PageApi api,
        string source,
        string id,
        string part,
        string? tenant
    )
    {
        api.Tenant = tenant;
        var found = await mails.ReadAsync(http.User, source, id, bytes => Take(bytes, part), http.RequestAborted);
        if (found.Value is not { } content)
            return Results.Text(found.Trouble + "\n", statusCode: found.Status);
        if (await capacity.SendAsync(http.User, content.Bytes.Length, http.RequestAborted) is not { } charge)
            return Results.Text("Too much is on its way: try again in a moment.\n", statusCode: StatusCodes.Status503ServiceUnavailable);
        http.Response.RegisterForDispose(charge);
        if (content.Name is { } name)
            return Results.File(content.Bytes, content.Type, name);
        http.Response.Headers[HeaderNames.ContentSecurityPolicy] = FramePolicy;
        return Results.Bytes(content.Bytes, content.Type);
    }

    private static Content? Take(byte[] source, string part)
    {
        if (part == "raw")
            return new(source, "message/rfc822", "message.eml");
        if (MailContents.Load(source) is not { } mail)
            return null;
        if (part == "html")
            return MailContents.Html(mail) is { } html
                ? new(Encoding.UTF8.GetBytes("<!DOCTYPE html><base target=\"_blank\">" + html), "text/html; charset=utf-8", null)
                : null;
        return int.TryParse(part, out var number) && number >= 0 && MailContents.Attached(mail).ElementAtOrDefault(number) is { } attached
            ? new(MailContents.Bytes(attached), "application/octet-stream", attached.FileName ?? "attachment")
            : null;
    }

    /// <param name="Name">As it is saved; null: it is shown in a frame.</param>
    private sealed record Content(byte[] Bytes, string Type, string? Name);
}
