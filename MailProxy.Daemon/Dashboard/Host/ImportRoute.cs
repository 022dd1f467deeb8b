using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using MailProxy.Daemon.Dashboard.Model;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>
/// Takes a file of suppressions from the browser and hands it to the API while it comes, so that none is in memory or on disk whole. The
/// fields of the form stand before the file, the token first.
/// </summary>
internal static class ImportRoute
{
    /// <summary>As much as the API takes, and the form around it.</summary>
    public const long LargestFile = (1L << 30) + (64 << 10);

    private const string TokenField = "__RequestVerificationToken";
    private const string FileField = "file";
    private const int MostFields = 4;
    private const int LongestField = 4_096;

    public static async Task<IResult> TakeAsync(HttpContext http, IAntiforgery forms, PageApi api, ImportResults results)
    {
        if (MultipartRequest(http) is not { } boundary)
            return PageRoutes.FormTooOld();
        var parts = new MultipartReader(boundary, http.Request.Body);
        string? tenant = null;
        for (var fields = 0; fields < MostFields; fields++)
        {
            if (await parts.ReadNextSectionAsync(http.RequestAborted) is not { } part)
                break;
            var name = Name(part);
            if (name == FileField)
                return await TakeAsync(http, forms, api, results, part.Body, tenant);
            var value = await ReadAsync(part.Body, http.RequestAborted);
            if (name == TokenField)
                http.Request.Headers["RequestVerificationToken"] = value;
            else if (name == "tenant")
                tenant = value;
        }

        return PageRoutes.FormTooOld();
    }

    private static async Task<IResult> TakeAsync(
        HttpContext http,
        IAntiforgery forms,
        PageApi api,
        ImportResults results,
        Stream file,
        string? tenant
    )
    {
        // By the header, since what is asked otherwise reads the whole form.
        if (http.Request.Headers["RequestVerificationToken"] is not [{ Length: > 0 }] || !await forms.IsRequestValidAsync(http))
            return PageRoutes.FormTooOld();
        api.Tenant = tenant;
        var reader = PipeReader.Create(file, new(leaveOpen: true));
        var begun = await reader.ReadAtLeastAsync(LongestField, http.RequestAborted);
        var type = SuppressionFile.TypeOf(begun.Buffer.Slice(0, Math.Min(begun.Buffer.Length, LongestField)).ToArray());
        reader.AdvanceTo(begun.Buffer.Start);
        await using var content = reader.AsStream();
        var reply = await api.ImportAsync("suppressions/import", content, type, http.RequestAborted);

        // A browser that still sends would not see the answer.
        await file.CopyToAsync(Stream.Null, http.RequestAborted);
        var view = LocalPath.With("~/suppressions", ("import", results.Add(http.User, reply)), ("tenant", tenant));
        return Results.LocalRedirect(view);
    }

    private static string? MultipartRequest(HttpContext http) =>
        MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type)
        && type.MediaType == "multipart/form-data"
        && HeaderUtilities.RemoveQuotes(type.Boundary) is { Length: > 0 and <= 200 } boundary
            ? boundary.Value
            : null;

    private static string? Name(MultipartSection part) =>
        ContentDispositionHeaderValue.TryParse(part.ContentDisposition, out var disposition)
            ? HeaderUtilities.RemoveQuotes(disposition.Name).Value
            : null;

    private static async Task<string> ReadAsync(Stream field, CancellationToken gone)
    {
        var bytes = new byte[LongestField];
        var length = await field.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, gone);
        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    /// <summary>Marks the one route whose body is long.</summary>
    internal sealed class Mark;
}
