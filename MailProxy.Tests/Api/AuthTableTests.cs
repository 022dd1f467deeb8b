using System.Net;
using MailProxy.Pipeline.Flow;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>Who may call what. The table is compared with the routes there are, so that a new route without an entry fails.</summary>
[TestFixture]
public sealed class AuthTableTests
{
    private static readonly (string Name, (string, string)[] Headers)[] Strangers =
    [
        ("no key", []),
        ("unknown key", [("Authorization", "Bearer not-the-key")]),
        ("empty key", [("Authorization", "Bearer ")]),
        ("key in another case", [("Authorization", "Bearer " + ApiHost.Key.ToUpperInvariant())]),
        ("key with a tail", [("Authorization", "Bearer " + ApiHost.Key + "x")]),
        ("another scheme", [("Authorization", "Basic " + ApiHost.Key)]),
        ("unknown token", [("X-API-Token", "not-the-key")]),
        ("bad key, good token", [("Authorization", "Bearer not-the-key"), ("X-API-Token", ApiHost.Key)]),
    ];

    private static readonly (string, string)[][] Friends =
    [
        [("Authorization", "Bearer " + ApiHost.Key)],
        [("authorization", "bearer " + ApiHost.Key)],
        [("X-API-Token", ApiHost.Key)],
    ];

    private ApiHost _host = null!;
    private HttpClient _bare = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _host = await ApiHost.StartAsync();
        _host.Downloads = (_, _, _) =>
            Task.FromResult<Download>(new Download.File(new MemoryStream([1]), "a", "text/plain", DateTimeOffset.UnixEpoch, "t"));
        _bare = _host.NewClient(null);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        _bare.Dispose();
        await _host.DisposeAsync();
    }

    [Test]
    public void Routes_All_SayWhatTheTableSays() =>
        Assert.That(
            RouteTable.Of(_host.Services).Select(r => (r.Route, RouteTable.Entries.GetValueOrDefault(r.Route)?.Access)),
            Is.All.Matches<(string Route, Access? Access)>(r =>
                r.Access == RouteTable.Of(_host.Services).Single(known => known.Route == r.Route).Access
            )
        );

    [Test]
    public void Routes_All_HaveAnEntry() => Assert.That(Routes(), Is.EquivalentTo(RouteTable.Entries.Keys));

    [TestCaseSource(nameof(Keys))]
    public async Task Route_Stranger_MayOnlyCallPublicOnes(string route)
    {
        foreach (var (name, headers) in Strangers)
        {
            using var answer = await CallAsync(route, headers);
            if (RouteTable.Entries[route].IsPublic)
            {
                // Nobody made the link; that it is looked at is enough.
                var expected = route.Contains("/u/", StringComparison.Ordinal) ? HttpStatusCode.NotFound : HttpStatusCode.OK;
                Assert.That(answer.StatusCode, Is.EqualTo(expected), name);
                continue;
            }

            await answer.ProblemAsync(401, "unauthorized");
            Assert.That(answer.Headers.WwwAuthenticate.Single().Scheme, Is.EqualTo("Bearer"), name);
        }
    }

    [TestCaseSource(nameof(Keys))]
    public async Task Route_AdminKey_MayCallEveryOne(string route)
    {
        foreach (var headers in Friends)
        {
            using var answer = await CallAsync(route, headers);
            Assert.That((int)answer.StatusCode, Is.Not.AnyOf(401, 403, 500), await answer.Content.ReadAsStringAsync());
        }
    }

    [TestCaseSource(nameof(Keys))]
    public async Task Route_UnknownTenant_404(string route)
    {
        if (RouteTable.Entries[route].IsPublic)
            return;
        using var answer = await CallAsync(route, [.. Friends[0], ("X-Tenant", "other")]);
        await answer.ProblemAsync(404, "unknown_tenant");
        using var known = await CallAsync(route, [.. Friends[0], ("X-Tenant", "default")]);
        Assert.That(await known.Content.ReadAsStringAsync(), Does.Not.Contain("unknown_tenant"));
    }

    [TestCaseSource(nameof(Keys))]
    public async Task Route_UnknownQueryParameter_400(string route)
    {
        if (RouteTable.Entries[route].IsPublic)
            return;
        using var answer = await CallAsync(route, Friends[0], "?surprise=1");
        var problem = await answer.ProblemAsync(400, "unknown_parameter");
        Assert.That(problem.Pointers(), Is.EqualTo(new[] { "/surprise" }));
    }

    private static IEnumerable<string> Keys() => RouteTable.Entries.Keys;

    private IEnumerable<string> Routes() => RouteTable.Of(_host.Services).Select(r => r.Route);

    private Task<HttpResponseMessage> CallAsync(string route, (string Name, string Value)[] headers, string query = "")
    {
        var parts = route.Split(' ');
        var path = parts[1]
            .Replace("{id:long}", "7")
            .Replace("{id}", "some")
            .Replace("{key}", "some")
            .Replace("{selector}", "some")
            .Replace("{documentName}", "v1");
        var request = new HttpRequestMessage(new(parts[0]), path + query);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return _bare.SendAsync(request).WaitAsync(ApiHost.Deadline);
    }
}
