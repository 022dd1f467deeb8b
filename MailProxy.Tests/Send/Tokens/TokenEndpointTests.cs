using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Send.Tokens;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Send.Tokens;

/// <summary>A token endpoint that misbehaves on the wire.</summary>
internal sealed class TokenEndpointTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);
    private static readonly string Rotated = "r0tated" + new string('x', 4_000);
    private static readonly NetworkPolicy Local = new(new() { Allowed = ["127.0.0.0/8"] });

    [TestCase("", TroubleKind.Connect)]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"access", TroubleKind.Connect)]
    [TestCase("SMTP? no\r\n\r\n", TroubleKind.Connect)]
    [TestCase("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", TroubleKind.Configuration)]
    [TestCase("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", TroubleKind.Connect)]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", TroubleKind.Protocol)]
    public async Task Ask_BadAnswer_IsTroubleInWords(string answer, TroubleKind kind)
    {
        await using var server = new ScriptedHttpServer(answer);
        var failure = Assert.ThrowsAsync<TokenException>(() => AskAsync(server.Port))!;
        Assert.That(failure.Kind, Is.EqualTo(kind), failure.Message);
        Assert.That(failure.Message, Does.Contain($"127.0.0.1:{server.Port}").And.Not.Contain("s3cr3t"));
        Assert.That(server.Heads, Has.Count.EqualTo(1).Or.Count.EqualTo(2), "no redirect is followed");
    }

    [Test]
    public async Task Ask_AnswerThatRepeatsARotatedToken_IsNotShown()
    {
        var body = $$"""{"error":"invalid_grant","error_description":"no such token: {{Rotated}}"}""";
        await using var server = new ScriptedHttpServer($"HTTP/1.1 400 No\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        var failure = Assert.ThrowsAsync<TokenException>(() => AskAsync(server.Port))!;
        Assert.That(failure.Message, Does.Contain("refused").And.Not.Contain("r0tated"));
    }

    [Test]
    public async Task Ask_EndlessAnswer_IsCutOff()
    {
        long most = 0;
        await using var server = new ScriptedHttpServer(
            ScriptedHttpServer.Endless("HTTP/1.1 200 OK\r\n\r\n", new string(' ', 4_096), sent => most = sent)
        );
        var failure = Assert.ThrowsAsync<TokenException>(() => AskAsync(server.Port))!;
        Assert.That(failure.Kind, Is.EqualTo(TroubleKind.Protocol));
        Assert.That(most, Is.LessThan(100_000_000));
    }

    [Test]
    public async Task Ask_NoAnswer_EndsInTime()
    {
        var asked = new TaskCompletionSource();
        await using var server = new ScriptedHttpServer(
            async (_, _, cancel) =>
            {
                asked.SetResult();
                await Task.Delay(Timeout.Infinite, cancel);
            }
        );
        var clock = new FakeTimeProvider();
        var asking = AskAsync(server.Port, clock: clock);
        await asked.Task.WaitAsync(Generous);
        clock.Advance(TokenEndpoint.Time);
        Assert.That(Assert.ThrowsAsync<TokenException>(() => asking)!.Message, Does.Contain("did not answer within 20 s"));
    }

    [Test]
    public async Task Ask_PlaceThatThePolicyForbids_IsNotAsked()
    {
        await using var server = new ScriptedHttpServer("HTTP/1.1 200 OK\r\n\r\n{}");
        var failure = Assert.ThrowsAsync<TokenException>(() => AskAsync(server.Port, NetworkPolicy.PublicOnly))!;
        Assert.That(failure.Kind, Is.EqualTo(TroubleKind.Configuration));
        Assert.That(server.Heads, Is.Empty);
    }

    private static async Task<TokenAnswer> AskAsync(int port, NetworkPolicy? policy = null, TimeProvider? clock = null)
    {
        using var http = new Dialer(policy ?? Local).HttpClient();
        var login = new OAuthLogin
        {
            TokenUrl = new($"http://127.0.0.1:{port}/token"),
            ClientId = "c",
            ClientSecret = "s3cr3t-words",
        };
        return await new TokenEndpoint(http, clock ?? TimeProvider.System)
            .AskAsync(login, [new("client_secret", "s3cr3t-words"), new("refresh_token", Rotated)], CancellationToken.None)
            .WaitAsync(Generous);
    }
}
