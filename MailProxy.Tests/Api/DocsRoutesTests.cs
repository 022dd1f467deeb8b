using System.Diagnostics;
using System.Text.RegularExpressions;
using MailProxy.Daemon.Api;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
internal sealed class DocsRoutesTests
{
    [Test]
    public async Task Page_Opened_NamesNothingFromElsewhereAndRunsOnlyItsOwnScripts()
    {
        await using var host = await ApiHost.StartAsync();
        using var bare = host.NewClient(null);
        using var first = await bare.GetAsync("/docs/");
        using var second = await bare.GetAsync("/docs/");
        var page = await first.Content.ReadAsStringAsync();
        var policy = first.Headers.GetValues("Content-Security-Policy").Single();
        var nonce = Regex.Match(policy, "script-src 'nonce-([A-Za-z0-9_-]{20,})'$").Groups[1].Value;

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)first.StatusCode, Is.EqualTo(200));
            Assert.That(page, Does.Not.Match("(?i)(src|href|url)\"?[=:(]\\s*[\"']?(https?:)?//"));
            Assert.That(Regex.Count(page, "<script"), Is.GreaterThan(1).And.EqualTo(Regex.Count(page, $"<script[^>]*nonce=\"{nonce}\"")));
            Assert.That(page, Does.Contain("\"telemetry\":false").And.Contain("\"withDefaultFonts\":false"));
            Assert.That(policy, Does.StartWith("default-src 'none'; ").And.Not.Contain("unsafe-eval").And.Not.Contain("http"));
            Assert.That(second.Headers.GetValues("Content-Security-Policy").Single(), Is.Not.EqualTo(policy), "a nonce is used once");
        }
    }

    [TestCase("/docs/scalar.js", "javascript")]
    [TestCase("/docs/scalar.aspnetcore.js", "javascript")]
    public async Task Script_OfThePages_ComesFromThePackage(string path, string type)
    {
        await using var host = await ApiHost.StartAsync();
        using var bare = host.NewClient(null);
        using var answer = await bare.GetAsync(path);
        Assert.That(((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType), Is.EqualTo((200, $"text/{type}")));
    }

    [Test]
    public async Task Page_ThatCouldNotBeMade_IsMadeByTheNextRequest()
    {
        var asked = 0;
        var services = new ServiceCollection().AddLogging().AddSingleton<DiagnosticListener>(_ => Listener()).BuildServiceProvider();
        DiagnosticListener Listener() => ++asked == 1 ? throw new IOException("no room") : new("test");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        new DocsRoutes(services, Options.Create(new ApiOptions())).Map(app);
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new(app.Urls.Single()) };

        using var first = await http.GetAsync("/docs/");
        using var second = await http.GetAsync("/docs/");

        Assert.That(((int)first.StatusCode, (int)second.StatusCode), Is.EqualTo((500, 200)));
    }

    [Test]
    public async Task Page_SwitchedOff_IsNoRoute()
    {
        await using var host = await ApiHost.StartAsync(new() { Configure = static options => options.Docs = false });
        using var bare = host.NewClient(null);
        using var answer = await bare.GetAsync("/docs/");
        Assert.That((int)answer.StatusCode, Is.EqualTo(404));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("unknown_route"));
    }

    [Test]
    public async Task Package_BeforeAPageIsOpened_IsNotLoaded()
    {
        using var directory = new TempDirectory();
        await using var daemon = DaemonProcess.Start(directory);
        await daemon.ListeningAsync();
        Assert.That(await MappedAsync(daemon), Does.Not.Contain("Scalar.AspNetCore"));

        using var answer = await daemon.Http.GetAsync("/docs/");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        Assert.That(await MappedAsync(daemon), Does.Contain("Scalar.AspNetCore"));
    }

    private static Task<string> MappedAsync(DaemonProcess daemon) => File.ReadAllTextAsync($"/proc/{daemon.Id}/maps");
}
