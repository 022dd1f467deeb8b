using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>Where a source sends us on to, and what we take along.</summary>
public sealed class RedirectTests
{
    private static readonly SourceAuth Secret = new SourceAuth.Basic("ann", "geheim");

    private LoopbackFiles _server = null!;
    private SourceBench _bench = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _server = await LoopbackFiles.StartAsync();
        _server.Answer = static context => context.Response.WriteAsync("here");
        _bench = new();
    }

    [TearDown]
    public async Task StopAsync()
    {
        _bench.Dispose();
        await _server.DisposeAsync();
    }

    private string Url(string path, string host = "files.example") => $"http://{host}:{_server.Port}{path}";

    [Test]
    public async Task Open_ThreeRedirects_AreFollowed()
    {
        _server.Redirect("/1", "/2", 301);
        _server.Redirect("/2", Url("/3"), 307);
        _server.Redirect("/3", "4", 308);

        Assert.That(await _bench.ReadAsync(Url("/1")), Is.EqualTo("here"u8.ToArray()));
    }

    [Test]
    public async Task Open_FourRedirects_AreTooMany()
    {
        foreach (var n in Enumerable.Range(1, 4))
            _server.Redirect($"/{n}", $"/{n + 1}");

        Assert.That((await _bench.TryAsync(Url("/1")))?.Fault, Is.EqualTo(SourceFault.Refused));
        Assert.That(_server.Requests, Has.Count.EqualTo(4));
    }

    [Test]
    public async Task Open_RedirectToAnotherHostAndBack_CredentialsStayBehind()
    {
        _server.Redirect("/1", Url("/2", "other.files.example"));
        _server.Redirect("/2", Url("/3"));

        await _bench.ReadAsync(Url("/1"), Secret);

        Assert.That(_server.Requests.Select(r => r.Headers.ContainsKey("Authorization")), Is.EqualTo(new[] { true, false, false }));
    }

    [Test]
    public async Task Open_RedirectWithinTheHost_KeepsTheCredentials()
    {
        _server.Redirect("/1", "/2");

        await _bench.ReadAsync(Url("/1"), new SourceAuth.Header("X-Api-Key", "k"));

        Assert.That(_server.Requests.Select(r => r.Headers.ContainsKey("X-Api-Key")), Is.EqualTo(new[] { true, true }));
    }

    [Test]
    public async Task Open_RedirectToAnotherPort_CredentialsStayBehind()
    {
        await using var other = await LoopbackFiles.StartAsync();
        _server.Redirect("/1", $"http://files.example:{other.Port}/2");

        await _bench.ReadAsync(Url("/1"), Secret);

        Assert.That(other.Requests.Single().Headers.ContainsKey("Authorization"), Is.False);
    }

    [Test]
    public async Task Open_RedirectFromHttpToHttps_CredentialsStayBehind()
    {
        _server.Redirect("/1", $"https://files.example:{_server.TlsPort}/2");

        await _bench.ReadTrustingAsync(Url("/1"), Secret);

        Assert.That(_server.Requests.Select(r => r.Headers.ContainsKey("Authorization")), Is.EqualTo(new[] { true, false }));
    }

    [Test]
    public void Open_RedirectFromHttpsToHttp_IsRefused()
    {
        _server.Redirect("/1", Url("/2"));

        var fault = Assert.ThrowsAsync<SourceException>(() => _bench.ReadTrustingAsync($"https://files.example:{_server.TlsPort}/1"))!;

        Assert.That((fault.Fault, _server.Requests.Count), Is.EqualTo((SourceFault.Refused, 1)));
    }
}
