using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Hosting;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.Dashboard;

/// <summary>The page switched off, behind a proxy, and beside everything else.</summary>
[TestFixture]
internal sealed class DashboardSettingsTests
{
    [Test]
    public async Task Off_NothingAnswersBelowUi_AndTheRootIsTheApis()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory, ("Dashboard:Enabled", "false"));
        using var person = new HttpRequestMessage(HttpMethod.Get, "/");
        person.Headers.Accept.ParseAdd("text/html");

        using var root = await daemon.Http.SendAsync(person);
        using var view = await daemon.Http.GetAsync("/ui/signin");

        Assert.That(
            (root.StatusCode, root.Content.Headers.ContentType!.MediaType, view.StatusCode),
            Is.EqualTo((HttpStatusCode.OK, "application/json", HttpStatusCode.NotFound))
        );
    }

    [Test]
    public async Task PathBase_OfAProxy_StandsInEveryAddress()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory, ("Dashboard:PathBase", "/mail/page"));
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = new(daemon.Url) };

        using var led = await http.GetAsync("/ui/messages?q=x");
        var signIn = await http.GetStringAsync("/ui/signin");

        Assert.That(led.Headers.Location!.ToString(), Is.EqualTo("/mail/page/signin?next=messages%3Fq%3Dx"));
        Assert.That(signIn, Does.Contain("<base href=\"/mail/page/\""));
    }

    [Test]
    public async Task NobodyLooks_ThePageIsNotBuilt()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory);

        await daemon.GetAsync("/v1/status");
        var keys = daemon.Services.GetRequiredService<Stores>().PageKeys;
        var before = (await keys.AllAsync()).Count;
        (await daemon.Http.GetAsync("/ui/signin")).Dispose();

        Assert.That((before, (await keys.AllAsync()).Count), Is.EqualTo((0, 1)));
    }

    /// <summary>An open view is a connection that never ends by itself: the stop would wait its whole grace for it.</summary>
    [Test]
    public async Task Stop_WithAViewOpen_WaitsForNobody()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory, ("Drain:GraceSeconds", "300"));
        using var person = new Person(daemon.Url);
        await person.SignInAsync(TestDaemon.Key);
        using var view = await person.OpenLiveAsync();

        var closed = view.ReceiveAsync(new byte[4096], CancellationToken.None);
        await daemon.StopAsync().WaitAsync(TestDaemon.Deadline);

        await ((Task)closed).WaitAsync(TestDaemon.Deadline).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.That(view.State, Is.Not.EqualTo(WebSocketState.Open));
    }

    [Test]
    public async Task LiveViews_AreBounded()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory, ("Dashboard:MaxLiveViews", "2"));
        using var person = new Person(daemon.Url);
        await person.SignInAsync(TestDaemon.Key);
        using var first = await person.OpenLiveAsync();
        var second = await person.OpenLiveAsync();

        Assert.That(async () => await person.OpenLiveAsync(), Throws.InstanceOf<WebSocketException>());
        second.Abort();
        second.Dispose();
        using var third = await Eventually.BecomesAsync(() => TryOpenAsync(person), static view => view is not null);
    }

    [Test]
    public async Task BehindATrustedProxy_WhoGuessesKeys_SlowsHimselfAlone()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory, ("Api:TrustedProxies:0", "127.0.0.1"));
        using var guesser = new Person(daemon.Url);
        guesser.Http.DefaultRequestHeaders.Add("X-Forwarded-For", "192.0.2.1");
        var token = Person.Token(await guesser.Http.GetStringAsync("/ui/signin"));
        for (var i = 0; i < 11; i++)
        {
            using var wrong = await guesser.Http.PostAsync(
                "/ui/session",
                Person.Fields(("key", "x"), ("__RequestVerificationToken", token))
            );
            Assert.That(wrong.Headers.Location!.ToString(), Does.Contain(i < 10 ? "failed=key" : "failed=limit"));
        }

        using var other = new Person(daemon.Url);
        other.Http.DefaultRequestHeaders.Add("X-Forwarded-For", "192.0.2.2");
        await other.SignInAsync(TestDaemon.Key);
    }

    [Test]
    public async Task Key_ForOneNetwork_WorksInThePageFromThere_AndFromNowhereElse()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory, ("Api:TrustedProxies:0", "127.0.0.1"));
        using var made = await daemon.Http.PostAsJsonAsync(
            "/v1/tenants/default/keys",
            new
            {
                name = "n",
                scopes = new[] { "read" },
                allowed_networks = new[] { "192.0.2.0/24" },
            }
        );
        var key = (string)JsonNode.Parse(await made.Content.ReadAsStringAsync())!["key"]!;
        using var person = new Person(daemon.Url);
        person.Http.DefaultRequestHeaders.Add("X-Forwarded-For", "192.0.2.7");
        await person.SignInAsync(key);
        Assert.That(await person.Http.GetStringAsync("/ui/messages"), Does.Contain("<h1 tabindex=\"-1\">Messages"));

        person.Http.DefaultRequestHeaders.Remove("X-Forwarded-For");
        person.Http.DefaultRequestHeaders.Add("X-Forwarded-For", "198.51.100.1");
        using var elsewhere = await person.Http.GetAsync("/ui/messages");

        Assert.That(elsewhere.Headers.Location?.ToString(), Is.EqualTo("/ui/signin?failed=ended"));
    }

    [Test]
    public async Task LiveViews_OfATenant_LeaveSomeToTheOthers()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory, ("Dashboard:MaxLiveViews", "8"));
        using var acme = new Person(daemon.Url);
        await acme.SignInAsync(await daemon.MakeTenantAsync("acme"));
        var views = new List<ClientWebSocket>();
        while (views.Count < 8 && await TryOpenAsync(acme) is { } view)
            views.Add(view);

        using var admin = new Person(daemon.Url);
        await admin.SignInAsync(TestDaemon.Key);
        using var his = await admin.OpenLiveAsync();

        Assert.That(views, Has.Count.EqualTo(4));
        foreach (var view in views)
            view.Dispose();
    }

    [Test]
    public async Task Live_WithoutSignIn_IsRefused()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory);
        using var person = new Person(daemon.Url);

        Assert.That(async () => await person.OpenLiveAsync(), Throws.InstanceOf<WebSocketException>());
    }

    /// <summary>The other contract's routes have ordinary names; none may hide one of the page, or be hidden.</summary>
    [Test]
    public async Task Routes_WithEverythingSwitchedOn_AreUnique()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(
            directory,
            ("Genro:Enabled", "true"),
            ("Genro:Routes", "A,B,C"),
            ("Dashboard:Enabled", "true")
        );

        var routes = daemon
            .Services.GetServices<EndpointDataSource>()
            .SelectMany(static source => source.Endpoints)
            .OfType<RouteEndpoint>()
            .SelectMany(static route => Methods(route).Select(method => $"{method} {Shape(route.RoutePattern)}"))
            .ToArray();

        Assert.That(routes, Is.Unique.And.Not.Empty);
        Assert.That(routes.Where(static route => route.Contains(" /ui", StringComparison.Ordinal)), Is.Empty);
    }

    private static async Task<ClientWebSocket?> TryOpenAsync(Person person)
    {
        try
        {
            return await person.OpenLiveAsync();
        }
        catch (WebSocketException)
        {
            return null; // the place is not free yet
        }
    }

    private static IReadOnlyList<string> Methods(RouteEndpoint route) =>
        route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["*"];

    private static string Shape(RoutePattern pattern) =>
        "/"
        + string.Join(
            '/',
            pattern.PathSegments.Select(static segment =>
                string.Concat(segment.Parts.Select(static part => part is RoutePatternLiteralPart literal ? literal.Content : "{}"))
            )
        );
}
