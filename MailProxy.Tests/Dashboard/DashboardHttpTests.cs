using System.Net;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Dashboard.Model;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Dashboard;

/// <summary>The page as HTTP sees it: who may see what, what a form must have, what the browser is told.</summary>
[TestFixture]
internal sealed class DashboardHttpTests : DaemonFixture
{
    private Person _person = null!;
    private HttpClient _browser = null!;

    [SetUp]
    public void OpenBrowser()
    {
        _person = new(_daemon.Url);
        _browser = _person.Http;
    }

    [TearDown]
    public void CloseBrowser() => _person.Dispose();

    [Test]
    public async Task Root_LeadsAPersonToThePage_AndAProgramToTheApi()
    {
        using var person = new HttpRequestMessage(HttpMethod.Get, "/");
        person.Headers.Accept.ParseAdd("text/html,application/xhtml+xml,*/*;q=0.8");
        using var led = await _browser.SendAsync(person);
        using var told = await _browser.GetAsync("/");

        Assert.That((led.StatusCode, led.Headers.Location?.ToString()), Is.EqualTo((HttpStatusCode.Redirect, "/ui/")));
        Assert.That((string?)JsonNode.Parse(await told.Content.ReadAsStringAsync())!["service"], Is.EqualTo("MailProxy"));
    }

    [TestCase("")]
    [TestCase("messages")]
    [TestCase("messages/x")]
    [TestCase("accounts/sandbox")]
    [TestCase("sandbox")]
    [TestCase("audit")]
    [TestCase("complete?q=st")]
    [TestCase("content/messages/x/raw")]
    [TestCase("no-such-view")]
    public async Task View_WithoutSignIn_LeadsToTheSignIn_WhichKnowsTheWayBack(string view)
    {
        using var answer = await _browser.GetAsync("/ui/" + view);

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Redirect));
        var next = view.Length == 0 ? "" : "?next=" + Uri.EscapeDataString(view);
        Assert.That(answer.Headers.Location!.ToString(), Is.EqualTo("/ui/signin" + next));
    }

    [TestCase("do")]
    [TestCase("begin")]
    [TestCase("session/end")]
    [TestCase("accounts/sandbox")]
    [TestCase("_blazor/negotiate?negotiateVersion=1")]
    public async Task Form_WithoutSignIn_IsRefused(string path)
    {
        using var answer = await _browser.PostAsync("/ui/" + path, Person.Fields(("path", "dispatcher/suspend")));

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That((bool)(await _daemon.GetAsync("/v1/status"))["suspended"]!, Is.False);
    }

    [TestCase("do")]
    [TestCase("begin")]
    [TestCase("session/end")]
    [TestCase("accounts/sandbox")]
    public async Task Form_WithoutItsToken_IsRefused_ThoughSignedIn(string path)
    {
        await _person.SignInAsync(TestDaemon.Key);

        using var answer = await _browser.PostAsync(
            "/ui/" + path,
            Person.Fields(("path", "dispatcher/suspend"), ("_handler", "save"), ("_document", "{}"))
        );

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest), await answer.Content.ReadAsStringAsync());
        Assert.That((bool)(await _daemon.GetAsync("/v1/status"))["suspended"]!, Is.False);
    }

    [Test]
    public async Task Form_WithAnotherSessionsToken_IsRefused()
    {
        using var other = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = new(_daemon.Url) };
        var theirs = Person.Token(await other.GetStringAsync("/ui/signin"));
        await _person.SignInAsync(TestDaemon.Key);

        using var answer = await _browser.PostAsync(
            "/ui/do",
            Person.Fields(("path", "dispatcher/suspend"), ("__RequestVerificationToken", theirs))
        );

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [Test]
    public async Task Action_OfASignedInAdmin_IsDone_AndStandsInTheAuditLogUnderHisName()
    {
        await _person.SignInAsync(TestDaemon.Key);
        var token = Person.Token(await _browser.GetStringAsync("/ui/system"));

        using var answer = await _browser.PostAsync(
            "/ui/do",
            Person.Fields(("path", "dispatcher/suspend"), ("back", "system"), ("__RequestVerificationToken", token))
        );

        Assert.That((answer.StatusCode, answer.Headers.Location?.ToString()), Is.EqualTo((HttpStatusCode.Redirect, "/ui/system")));
        Assert.That((bool)(await _daemon.GetAsync("/v1/status"))["suspended"]!, Is.True);
        Assert.That(await _daemon.Http.GetStringAsync("/v1/audit"), Does.Contain("\"actor\":\"admin\",\"action\":\"dispatcher.suspend\""));
        Assert.That(await _browser.GetStringAsync("/ui/system"), Does.Contain("Send again"));
    }

    [TestCase("//evil.example/")]
    [TestCase("https://evil.example/")]
    [TestCase("\\\\evil.example")]
    [TestCase("/\\evil.example")]
    public async Task Back_NeverLeadsElsewhere(string back)
    {
        await _person.SignInAsync(TestDaemon.Key);
        var token = Person.Token(await _browser.GetStringAsync("/ui/system"));

        using var answer = await _browser.PostAsync(
            "/ui/do",
            Person.Fields(("path", "dispatcher/run-now"), ("back", back), ("__RequestVerificationToken", token))
        );

        Assert.That(answer.Headers.Location!.ToString(), Does.StartWith("/ui/").And.Not.StartWith("/ui//"));
    }

    [Test]
    public async Task SignIn_TriedTooOften_IsThrottled_AlsoWithTheRightKey()
    {
        var token = Person.Token(await _browser.GetStringAsync("/ui/signin"));
        for (var i = 0; i < 10; i++)
        {
            using var wrong = await _browser.PostAsync(
                "/ui/session",
                Person.Fields(("key", "guess" + i), ("__RequestVerificationToken", token))
            );
            Assert.That(wrong.Headers.Location!.ToString(), Does.Contain("failed=key"));
        }

        using var right = await _browser.PostAsync(
            "/ui/session",
            Person.Fields(("key", TestDaemon.Key), ("__RequestVerificationToken", token))
        );

        Assert.That(right.Headers.Location!.ToString(), Does.Contain("failed=limit"));
    }

    [Test]
    public async Task SignIn_WithTheRightKey_CountsForNothing()
    {
        for (var i = 0; i < 15; i++)
        {
            using var person = new Person(_daemon.Url);
            await person.SignInAsync(TestDaemon.Key);
        }
    }

    [Test]
    public async Task Content_LargerThanIsShown_IsToldInWords_AndTheViewStands()
    {
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        await _daemon.PostAsync(
            new
            {
                id = "large",
                from = "a@example.com",
                to = "b@example.com",
                subject = "Large",
                text = new string('x', 9 << 20),
            }
        );
        await _person.SignInAsync(TestDaemon.Key);

        using var raw = await _browser.GetAsync("/ui/content/messages/large/raw");
        var view = await _browser.GetStringAsync("/ui/messages/large");

        Assert.That((int)raw.StatusCode, Is.EqualTo(413));
        Assert.That(await raw.Content.ReadAsStringAsync(), Does.Contain("larger than 8 MB"));
        Assert.That(view, Does.Contain("larger than 8 MB").And.Contain("Large"));
    }

    [Test]
    public async Task Views_ManyAtOnce_AreAllAnswered()
    {
        await _person.SignInAsync(TestDaemon.Key);

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => _browser.GetAsync("/ui/messages")));

        Assert.That(answers.Select(static answer => (int)answer.StatusCode), Is.All.EqualTo(200).Or.EqualTo(503));
        Assert.That((await _daemon.GetAsync("/v1/status"))["ready"]!.GetValue<bool>(), Is.True);
    }

    [Test]
    public async Task SignIn_WithALargeBody_IsRefused()
    {
        using var answer = await _browser.PostAsync("/ui/session", Person.Fields(("key", new string('x', 100_000))));

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.RequestEntityTooLarge));
    }

    [TestCase("/ui/signin")]
    [TestCase("/ui/ui.css")]
    [TestCase("/ui/_framework/blazor.web.js")]
    public async Task Answer_TellsTheBrowserToLoadNothingElseAndToRunNoInlineScript(string path)
    {
        using var answer = await _browser.GetAsync(path);

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        var policy = string.Join(';', answer.Headers.GetValues("Content-Security-Policy"));
        Assert.That(policy, Does.StartWith("default-src 'none'; script-src 'self';").And.Contain("frame-ancestors 'none'"));
        Assert.That(policy, Does.Not.Contain("unsafe-eval").And.Not.Contain("http:").And.Not.Contain("https:"));
        Assert.That(answer.Headers.GetValues("X-Content-Type-Options"), Is.EqualTo(new[] { "nosniff" }));
    }

    [Test]
    public async Task Key_ThatIsDeleted_SeesNothingAnyMore()
    {
        var key = await _daemon.MakeTenantAsync("acme");
        await _person.SignInAsync(key);
        Assert.That(await _browser.GetStringAsync("/ui/accounts"), Does.Contain("Accounts"));
        var id = (string)(await _daemon.GetAsync("/v1/tenants/acme/keys"))["data"]![0]!["id"]!;
        await _daemon.SendAsync(HttpMethod.Delete, $"/v1/tenants/acme/keys/{id}");

        using var gone = await _browser.GetAsync("/ui/messages");

        Assert.That(gone.Headers.Location?.ToString(), Is.EqualTo("/ui/signin?failed=ended"));
        using var after = await _browser.GetAsync("/ui/accounts");
        Assert.That(after.Headers.Location?.ToString(), Does.StartWith("/ui/signin"));
    }

    [TestCaseSource(nameof(Kinds))]
    public async Task Draft_OfANewOne_HasNoMemberThatTheApiDoesNotKnow(string path, string draft)
    {
        using var body = new StringContent(draft, System.Text.Encoding.UTF8, "application/json");
        using var answer = await _daemon.Http.PutAsync($"/v1/{path}/draft", body);

        Assert.That(
            await answer.Content.ReadAsStringAsync(),
            Does.Not.Contain("unknown_field").And.Not.Contain("invalid_choice").And.Not.Contain("invalid_type")
        );
    }

    private static IEnumerable<TestCaseData> Kinds =>
        ResourceKind.All.Select(static kind => new TestCaseData(kind.Path, kind.Draft).SetArgDisplayNames(kind.Path));

    [Test]
    public async Task Html_OfAMail_StandsInAFrameThatRunsNothing()
    {
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        await _daemon.PostAsync(
            new
            {
                id = "m1",
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
                html = "<script>alert(1)</script>",
            }
        );
        await _person.SignInAsync(TestDaemon.Key);

        using var answer = await _browser.GetAsync("/ui/content/messages/m1/html");

        var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.That(
            policy,
            Does.Contain("default-src 'none'").And.Contain("sandbox").And.Not.Contain("allow-scripts").And.Not.Contain("script-src")
        );
    }
}
