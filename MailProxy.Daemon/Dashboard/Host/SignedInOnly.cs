using System.Security.Claims;
using MailProxy.Daemon.Dashboard.Model;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Http.Features;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>
/// Shows nothing but the sign-in to who has not signed in, or whose key is not good any more; bounds what a form may hold, and how many
/// views are made and open at a time.
/// </summary>
internal sealed class SignedInOnly(RequestDelegate next, PageCapacity capacity, HttpClient api)
{
    // Where a live view's connection stands; its requests last as long as somebody looks.
    private const string Live = "/_blazor";

    private const long LargestSignIn = 16 << 10;
    private const long LargestForm = 4 << 20;

    public async Task InvokeAsync(HttpContext http)
    {
        var signedIn = http.User.Identity is { IsAuthenticated: true };
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize =
                !signedIn ? LargestSignIn
                : IsImport(http) ? ImportRoute.LargestFile
                : LargestForm;
        if (http.GetEndpoint()?.Metadata.GetMetadata<OpenToAllAttribute>() is not null)
            await next(http);
        else if (!signedIn)
            Refuse(http);
        else if (await HasEndedAsync(http))
            await EndAsync(http);
        else
            await ShowAsync(http);
    }

    private async Task ShowAsync(HttpContext http)
    {
        using var place =
            IsLive(http) ? capacity.TryOpenLive(http.User)
            : IsImport(http) ? capacity.TryImport(http.User)
            : await capacity.EnterAsync(http.User, http.RequestAborted);
        if (place is not null)
        {
            await next(Located(http));
            return;
        }

        http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        http.Response.Headers.RetryAfter = "5";
        await http.Response.WriteAsync(
            $"Too many {(IsImport(http) ? "files come in" : "views are open")} at once: try again in a moment.\n"
        );
    }

    // A key ends, is deleted, or may not be used from everywhere. An API that is too busy to say so has not said it.
    private async Task<bool> HasEndedAsync(HttpContext http) =>
        Session.KeyOf(http.User) is not { } key
        || (await PageApi.SelfAsync(api, key, http.Connection.RemoteIpAddress)).Status is 401 or 403;

    private static async Task EndAsync(HttpContext http)
    {
        await http.SignOutAsync();
        if (HttpMethods.IsGet(http.Request.Method) && !IsLive(http))
            http.Response.Redirect(http.Request.PathBase + "/signin?failed=ended");
        else
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
    }

    private static bool IsImport(HttpContext http) => http.GetEndpoint()?.Metadata.GetMetadata<ImportRoute.Mark>() is not null;

    private static bool IsLive(HttpContext http) => http.Request.Path.StartsWithSegments(Live);

    // Live views have no request any more when they ask the API; the address goes with who signed in. What is no view asks as well.
    private static HttpContext Located(HttpContext http)
    {
        if (http.Connection.RemoteIpAddress is { } address)
            http.User.AddIdentity(new ClaimsIdentity([new(Session.AddressClaim, address.ToString())]));
        if (http.RequestServices.GetRequiredService<AuthenticationStateProvider>() is IHostEnvironmentAuthenticationStateProvider state)
            state.SetAuthenticationState(Task.FromResult(new AuthenticationState(http.User)));
        return http;
    }

    private static void Refuse(HttpContext http)
    {
        if (!HttpMethods.IsGet(http.Request.Method) || IsLive(http))
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        var here = LocalPath.Of(http.Request.Path + http.Request.QueryString);
        http.Response.Redirect(LocalPath.With(http.Request.PathBase + "/signin", ("next", here)));
    }
}
