using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Daemon.Dashboard.Model;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>What the page has beside its views: sign-in and sign-out, actions by forms, completion, and content of mail.</summary>
internal static class PageRoutes
{
    public static void MapPageRoutes(this WebApplication app)
    {
        app.MapPost("/session", (Delegate)SignInAsync).WithMetadata(OpenToAllAttribute.Mark);
        app.MapPost("/session/end", (Delegate)SignOutAsync);
        app.MapPost("/do", (Delegate)ActAsync);
        app.MapPost("/begin", (Delegate)BeginAsync);
        app.MapPost("/import", (Delegate)ImportRoute.TakeAsync).WithMetadata(new ImportRoute.Mark());
        app.MapGet("/complete", (Delegate)CompleteAsync);
        app.MapGet("/content/{source}/{id}/{part}", (Delegate)ContentRoute.ShowAsync);
    }

    private static async Task<IResult> SignInAsync(HttpContext http, IAntiforgery forms, SignInLimit limit, HttpClient api)
    {
        if (!await forms.IsRequestValidAsync(http))
            return Results.LocalRedirect("~/signin?failed=form");
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        var next = LocalPath.Of(form["next"]);
        if (!limit.Allows(http.Connection.RemoteIpAddress))
            return Results.LocalRedirect("~/signin?failed=limit&next=" + Uri.EscapeDataString(next));
        var key = form["key"].ToString().Trim();
        var self = await PageApi.SelfAsync(api, key, http.Connection.RemoteIpAddress);
        if (self.Value is not { } who)
        {
            limit.Wrong(http.Connection.RemoteIpAddress);
            return Results.LocalRedirect($"~/signin?failed={(self.Status == 403 ? "scope" : "key")}&next=" + Uri.EscapeDataString(next));
        }

        await http.SignInAsync(Session.Of(key, who));
        return Results.LocalRedirect("~/" + next);
    }

    private static async Task<IResult> SignOutAsync(HttpContext http, IAntiforgery forms)
    {
        if (!await forms.IsRequestValidAsync(http))
            return FormTooOld();
        await http.SignOutAsync();
        return Results.LocalRedirect("~/signin");
    }

    // One request to the API with the key of who signed in, as a form describes it.
    private static async Task<IResult> ActAsync(HttpContext http, IAntiforgery forms, PageApi api, Flash flash)
    {
        if (!await forms.IsRequestValidAsync(http))
            return FormTooOld();
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        api.Tenant = form["tenant"];
        var method = form["method"] == "DELETE" ? HttpMethod.Delete : HttpMethod.Post;
        var reply = await api.SendAsync(method, form["path"].ToString(), Body(form), cancel: http.RequestAborted);
        if (reply.Ok)
            flash.Tell(http, good: true, form["done"] is [{ Length: > 0 } done] ? done : "Done.");
        else
            flash.Tell(http, good: false, reply.Trouble);
        return Results.LocalRedirect("~/" + LocalPath.Of(form[reply.Ok && form["then"].Count > 0 ? "then" : "back"]));
    }

    // What a preview has shown.
    private static async Task<IResult> BeginAsync(HttpContext http, IAntiforgery forms, PageApi api, Flash flash)
    {
        if (!await forms.IsRequestValidAsync(http))
            return FormTooOld();
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        api.Tenant = form["tenant"];
        var token = new JsonObject { ["token"] = form["token"].ToString() };
        var begun = await api.PostAsync("messages/actions", token, ApiJson.Plain.OperationAnswer, http.RequestAborted);
        if (begun.Value is { } operation)
            return Results.LocalRedirect(LocalPath.With("~/operations/" + operation.Id, ("tenant", api.Tenant)));
        flash.Tell(http, good: false, begun.Trouble);
        return Results.LocalRedirect(LocalPath.With("~/operations", ("tenant", api.Tenant)));
    }

    // Members of the body are the fields that begin with "body."; empty ones are left out.
    private static JsonObject? Body(IFormCollection form)
    {
        const string Prefix = "body.";
        var members = form.Where(static field =>
            field.Key.StartsWith(Prefix, StringComparison.Ordinal) && field.Value is [{ Length: > 0 }]
        );
        JsonObject? body = null;
        foreach (var (name, value) in members)
            (body ??= [])[name[Prefix.Length..]] = value.ToString();
        return body;
    }

    private static async Task<IResult> CompleteAsync(PageApi api, string? q, string? tenant)
    {
        api.Tenant = tenant;
        var text = q ?? "";
        return Results.Json(
            SearchCompletion.For(text, await NamesAsync(api, SearchCompletion.KeyAtEnd(text))),
            PageJson.Default.IReadOnlyListString
        );
    }

    private static async Task<IReadOnlyList<string>> NamesAsync(PageApi api, string? key)
    {
        if (key is not ("account" or "pool" or "batch"))
            return [];
        var list = key == "batch" ? "batches" : key + "s";
        var found = await api.GetAsync(list + "?limit=200", ApiJson.Plain.JsonObject);
        return found.Value?["data"] is JsonArray rows ? [.. rows.Select(static row => (string)row!["id"]!)] : [];
    }

    public static IResult FormTooOld() =>
        Results.Text("The form is too old, or was not ours: go back, reload the view and try again.\n", statusCode: 400);
}
