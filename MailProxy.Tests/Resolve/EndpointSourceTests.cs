using System.Text;
using System.Text.Json;
using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

public sealed class EndpointSourceTests
{
    private LoopbackFiles _server = null!;
    private SourceBench _bench = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _server = await LoopbackFiles.StartAsync();
        _bench = new() { Endpoint = (new($"http://files.example:{_server.Port}/give"), new SourceAuth.Bearer("t0k")) };
    }

    [TearDown]
    public async Task StopAsync()
    {
        _bench.Dispose();
        await _server.DisposeAsync();
    }

    [Test]
    public async Task Open_AnyName_IsPostedWithTheTenantsCredentials()
    {
        _server.Answer = context => context.Response.WriteAsync("content");
        var path = "inv \"17\"\\ü";

        var content = await _bench.ReadAsync(path);

        var request = _server.Requests.Single();
        Assert.Multiple(() =>
        {
            Assert.That(Encoding.UTF8.GetString(content), Is.EqualTo("content"));
            Assert.That((request.Method, request.Target), Is.EqualTo(("POST", "/give")));
            Assert.That(request.Headers["Content-Type"], Is.EqualTo("application/json"));
            Assert.That(request.Headers["Authorization"], Is.EqualTo("Bearer t0k"));
            Assert.That(JsonDocument.Parse(request.Body).RootElement.GetProperty("storage_path").GetString(), Is.EqualTo(path));
        });
    }

    [Test]
    public async Task Open_NoEndpoint_IsGone()
    {
        _bench.Endpoint = null;

        Assert.That((await _bench.TryAsync("inv-17"))?.Fault, Is.EqualTo(SourceFault.Gone));
    }

    [Test]
    public void Open_AnotherTenant_GetsNothingOfThisOne()
    {
        var fault = Assert.ThrowsAsync<SourceException>(() => _bench.Sources.OpenAsync("other", SourceBench.Wanted("inv-17"), default))!;

        Assert.That((fault.Fault, _server.Requests.Count), Is.EqualTo((SourceFault.Gone, 0)));
    }

    [TestCase(301, "GET")]
    [TestCase(302, "GET")]
    [TestCase(303, "GET")]
    [TestCase(307, "POST")]
    [TestCase(308, "POST")]
    public async Task Open_RedirectWithinTheHost_AsRfc9110Says(int status, string method)
    {
        _server.Redirect("/give", "/there", status);

        await _bench.ReadAsync("inv-17");

        Assert.That(_server.Requests.Select(r => r.Method), Is.EqualTo(new[] { "POST", method }));
        Assert.That(_server.Requests[1].Body.Length > 0, Is.EqualTo(method == "POST"));
    }

    [Test]
    public async Task Open_RedirectToASignedAddressElsewhere_IsAPlainGet()
    {
        _server.Redirect("/give", $"http://store.files.example:{_server.Port}/signed?x=1", 303);

        await _bench.ReadAsync("inv-17");

        var second = _server.Requests[1];
        Assert.That((second.Method, second.Body, second.Headers.ContainsKey("Authorization")), Is.EqualTo(("GET", "", false)));
    }

    [Test]
    public async Task Open_RedirectOfThePostElsewhere_IsRefused()
    {
        _server.Redirect("/give", $"http://store.files.example:{_server.Port}/there", 307);

        Assert.That((await _bench.TryAsync("inv-17"))?.Fault, Is.EqualTo(SourceFault.Refused));
        Assert.That(_server.Requests, Has.Count.EqualTo(1));
    }
}
