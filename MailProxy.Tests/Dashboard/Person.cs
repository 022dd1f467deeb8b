using System.Net;
using System.Net.WebSockets;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace MailProxy.Tests.Dashboard;

/// <summary>Somebody who looks at the page without a browser: cookies, forms, and no redirect followed.</summary>
internal sealed partial class Person(string url) : IDisposable
{
    private readonly CookieContainer _cookies = new();
    private HttpClient? _http;

    public HttpClient Http =>
        _http ??= new(new HttpClientHandler { AllowAutoRedirect = false, CookieContainer = _cookies }) { BaseAddress = new(url) };

    public async Task SignInAsync(string key)
    {
        var token = Token(await Http.GetStringAsync("/ui/signin"));
        using var answer = await Http.PostAsync("/ui/session", Fields(("key", key), ("__RequestVerificationToken", token)));
        Assert.That(answer.Headers.Location?.ToString(), Is.EqualTo("/ui/"));
    }

    /// <summary>The connection that a live view has.</summary>
    public async Task<ClientWebSocket> OpenLiveAsync()
    {
        var socket = new ClientWebSocket();
        socket.Options.Cookies = _cookies;
        await socket.ConnectAsync(new Uri(url.Replace("http:", "ws:", StringComparison.Ordinal) + "/ui/_blazor"), CancellationToken.None);
        return socket;
    }

    public static FormUrlEncodedContent Fields(params (string Name, string Value)[] fields) =>
        new(fields.Select(static field => KeyValuePair.Create(field.Name, field.Value)));

    /// <summary>The token of the first form of a view.</summary>
    public static string Token(string view) => FormToken().Match(view).Groups[1].Value;

    public void Dispose() => _http?.Dispose();

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"([^\"]+)\"")]
    private static partial Regex FormToken();
}
