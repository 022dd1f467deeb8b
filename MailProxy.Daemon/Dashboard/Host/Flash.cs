using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>What an action came to, told once by the view that follows it.</summary>
internal sealed class Flash(IDataProtectionProvider protection)
{
    private const string Cookie = "mailproxy_told";
    private const int MostCharacters = 1_000;

    private static readonly TimeSpan Lasts = TimeSpan.FromMinutes(1);

    private readonly ITimeLimitedDataProtector _seal = protection.CreateProtector("told").ToTimeLimitedDataProtector();

    public void Tell(HttpContext http, bool good, string text)
    {
        var told = (good ? "+" : "-") + (text.Length <= MostCharacters ? text : text[..MostCharacters]);
        http.Response.Cookies.Append(Cookie, _seal.Protect(told, Lasts), Options(http));
    }

    /// <summary>Null: nothing is to be told.</summary>
    public (bool Good, string Text)? Take(HttpContext http)
    {
        if (http.Request.Cookies[Cookie] is not { } kept)
            return null;
        if (!http.Response.HasStarted)
            http.Response.Cookies.Delete(Cookie, Options(http));
        try
        {
            var told = _seal.Unprotect(kept);
            return (told[0] == '+', told[1..]);
        }
        catch (CryptographicException)
        {
            return null; // too old, or not ours
        }
    }

    private static CookieOptions Options(HttpContext http) =>
        new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
            Secure = http.Request.IsHttps,
            Path = http.Request.PathBase,
        };
}
