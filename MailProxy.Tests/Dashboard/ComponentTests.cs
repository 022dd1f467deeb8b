using System.Net;
using System.Security.Claims;
using System.Text;
using System.Text.Json.Nodes;
using Bunit;
using MailProxy.Daemon.Dashboard.Host;
using MailProxy.Daemon.Dashboard.Parts;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Microsoft.JSInterop;
using NUnit.Framework;
using Radzen;
using Radzen.Blazor.Rendering;

namespace MailProxy.Tests.Dashboard;

/// <summary>Parts of views by themselves, with an API that says what the test wants.</summary>
[TestFixture, FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ComponentTests : BunitContext
{
    private readonly FakeTimeProvider _clock = new();
    private readonly ScriptedApi _api = new();

    [SetUp]
    public void Prepare()
    {
        Services.AddSingleton<TimeProvider>(_clock);
        Services.AddSingleton(new HttpClient(_api) { BaseAddress = new("http://localhost/") });
        Services.AddSingleton<AuthenticationStateProvider>(new SignedInAs(Session.Of("k", new("admin", "default", ["admin"], null))));
        Services.AddScoped<Session>();
        Services.AddScoped<PageApi>();
        Services.AddRadzenComponents();
        SetRendererInfo(new("Server", isInteractive: true));
    }

    [Test]
    public void JsonView_ShowsMembersInWords_AndTextAsText()
    {
        var shown = Render<JsonView>(view =>
            view.Add(
                static one => one.Value,
                JsonNode.Parse("""{"max_connections":8,"from_allowed":[],"note":"<b>x</b>","list":[1,"a"]}""")
            )
        );

        Assert.That(
            shown.FindAll("dt").Select(static one => one.TextContent),
            Is.EqualTo(new[] { "Max connections", "From allowed", "Note", "List" })
        );
        Assert.That(shown.FindAll("b"), Is.Empty);
        Assert.That(shown.FindAll("li").Select(static one => one.TextContent.Trim()), Is.EqualTo(new[] { "1", "a" }));
        Assert.That(shown.Markup, Does.Contain("none"));
    }

    [Test]
    public void LiveOperation_FollowsUntilTheEnd_AndAsksNoMore()
    {
        _api.Answer = Operation("running", 200);
        var shown = Render<LiveOperation>(static view => view.Add(static one => one.Id, "op_1"));
        Assert.That(shown.Find("progress").GetAttribute("value"), Is.EqualTo("200"));

        _api.Answer = Operation("done", 1_000);
        _clock.Advance(TimeSpan.FromMilliseconds(500));
        shown.WaitForAssertion(() => Assert.That(shown.Markup, Does.Contain("1000 of 1000: 1000 changed")), TimeSpan.FromSeconds(30));
        var asked = _api.Asked.Count;
        _clock.Advance(TimeSpan.FromMinutes(1));

        Assert.That(_api.Asked, Has.Count.EqualTo(asked));
        Assert.That(_api.Asked, Is.All.EqualTo("GET /v1/operations/op_1 Bearer k"));
    }

    [Test]
    public void LiveFlow_ChartThatTheBrowserHasLeft_IsLostAlone()
    {
        _api.Status = HttpStatusCode.ServiceUnavailable;
        _api.Answer =
            """{"type":"about:blank","title":"t","status":503,"detail":"The store cannot be read now.","code":"store_unavailable"}""";
        JSInterop.Mode = JSRuntimeMode.Loose;
        JSInterop.Setup<Rect>("Radzen.createChart", static _ => true).SetException(new JSException("Cannot set properties of null"));
        var shown = Render<LiveFlow>();

        shown.WaitForAssertion(() => Assert.That(shown.Markup, Does.Contain("The chart cannot be shown")), TimeSpan.FromSeconds(30));
        Assert.That(shown.Markup, Does.Contain("No account has a reason to wait."));
    }

    [Test]
    public void LiveSandbox_FindsByAddressAndSubject()
    {
        _api.Answer = """
            {"data":[
            {"id":2,"received_at":"2026-11-29T00:00:00Z","from":"a@example.com","to":["ann@example.org"],"subject":"Your order","size":9},
            {"id":1,"received_at":"2026-11-29T00:00:00Z","from":"a@example.com","to":["bob@example.org"],"subject":"Welcome","size":9}],
            "next_cursor":null}
            """;
        var shown = Render<LiveSandbox>();
        Assert.That(shown.FindAll("tbody tr"), Has.Count.EqualTo(2));

        shown.Find("#find").Input("BOB@");

        Assert.That(shown.FindAll("tbody a").Select(static one => one.TextContent), Is.EqualTo(new[] { "Welcome" }));
    }

    [Test]
    public void Live_WhenTheApiRefuses_SaysSo_AndGoesOnShowingWhatItHad()
    {
        _api.Answer = """{"data":[{"id":"crm","tenant":"default","status":"enabled","backlog":3,"lag_seconds":1.5}],"next_cursor":null}""";
        var shown = Render<LiveWebhooks>();
        _api.Status = HttpStatusCode.ServiceUnavailable;
        _api.Answer =
            """{"type":"about:blank","title":"t","status":503,"detail":"The store cannot be read now.","code":"store_unavailable"}""";

        _clock.Advance(TimeSpan.FromSeconds(2));

        shown.WaitForAssertion(() => Assert.That(shown.Markup, Does.Contain("The store cannot be read now.")), TimeSpan.FromSeconds(30));
        Assert.That(shown.Find("tbody a").TextContent, Is.EqualTo("crm"));
    }

    private static string Operation(string status, int changed) =>
        $$"""
            {"id":"op_1","tenant":"default","action":"hold","q":"x","status":"{{status}}","expected":1000,"changed":{{changed}},"refused":0,
            "actor":"admin","undoes":false}
            """;

    private sealed class ScriptedApi : HttpMessageHandler
    {
        public string Answer { get; set; } = "{}";

        public HttpStatusCode Status { get; set; } = HttpStatusCode.OK;

        public List<string> Asked { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked.Add($"{request.Method} {request.RequestUri!.AbsolutePath} {request.Headers.Authorization}");
            return Task.FromResult(
                new HttpResponseMessage(Status) { Content = new StringContent(Answer, Encoding.UTF8, "application/json") }
            );
        }
    }

    private sealed class SignedInAs(ClaimsPrincipal user) : AuthenticationStateProvider
    {
        public override Task<AuthenticationState> GetAuthenticationStateAsync() => Task.FromResult(new AuthenticationState(user));
    }
}
