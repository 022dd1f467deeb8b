using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send.Tokens;
using NUnit.Framework;

namespace MailProxy.Tests.Send.Tokens;

/// <summary>What token endpoints answer, right and wrong.</summary>
internal sealed class TokenAnswerTests
{
    private static readonly OAuthLogin Login = new()
    {
        TokenUrl = new("https://login.example/token"),
        ClientId = "c",
        ClientSecret = "s3cr3t-words",
    };

    [TestCase("3599", 3_599)]
    [TestCase("\"3599\"", 3_599)]
    [TestCase("3599.9", 3_599.9)]
    [TestCase("0", 60)]
    [TestCase("-3600", 60)]
    [TestCase("1e300", 86_400)]
    [TestCase("\"soon\"", 300)]
    [TestCase("\"NaN\"", 300)]
    [TestCase("null", 300)]
    [TestCase("[]", 300)]
    public void Expiry_WhateverItIs_IsWithinBounds(string expires, double seconds) =>
        Assert.That(
            Read(200, $$"""{"access_token":"t","token_type":"bearer","expires_in":{{expires}}}""").Lasts.TotalSeconds,
            Is.EqualTo(seconds)
        );

    [Test]
    public void Expiry_Missing_IsAssumed() => Assert.That(Read(200, """{"access_token":"t"}""").Lasts, Is.EqualTo(TokenAnswer.Assumed));

    [TestCase(200, "<html><body>Sign in</body></html>", TroubleKind.Protocol, "web page")]
    [TestCase(200, "", TroubleKind.Protocol, "nothing")]
    [TestCase(200, "[1]", TroubleKind.Protocol, "JSON")]
    [TestCase(200, """{"access_token":7}""", TroubleKind.Protocol, "access_token")]
    [TestCase(200, """{"access_token":""}""", TroubleKind.Protocol, "access_token")]
    [TestCase(200, """{"access_token":"\ud800"}""", TroubleKind.Protocol, "access_token")]
    [TestCase(200, """{"access_token":"a\r\nQUIT"}""", TroubleKind.Protocol, "no server could be told")]
    [TestCase(200, """{"access_token":"a\u0001auth=x"}""", TroubleKind.Protocol, "no server could be told")]
    [TestCase(200, """{"access_token":"a","token_type":"mac"}""", TroubleKind.Protocol, "Bearer")]
    [TestCase(200, """{"error":"invalid_scope"}""", TroubleKind.Authentication, ".default")]
    [TestCase(400, """{"error":"invalid_grant","error_description":"expired"}""", TroubleKind.Authentication, "expired")]
    [TestCase(401, """{"error":"invalid_client","error_description":"AADSTS7000222"}""", TroubleKind.Authentication, "AADSTS7000222")]
    [TestCase(400, """{"error":"temporarily_unavailable"}""", TroubleKind.Connect, "temporarily")]
    [TestCase(404, "<html>", TroubleKind.Configuration, "token_url")]
    [TestCase(302, "", TroubleKind.Configuration, "not followed")]
    [TestCase(429, "slow down", TroubleKind.Throttled, "429")]
    [TestCase(500, "<html>", TroubleKind.Connect, "500")]
    [TestCase(503, """{"a":1}""", TroubleKind.Connect, "503")]
    [TestCase(204, "", TroubleKind.Protocol, "204")]
    public void Answer_Wrong_SaysWhoMustDoWhat(int status, string body, TroubleKind kind, string word)
    {
        var failure = Assert.Throws<TokenException>(() => Read(status, body))!;
        Assert.That((failure.Kind, failure.Message), Is.EqualTo((kind, failure.Message)));
        Assert.That(failure.Message, Does.Contain(word).And.Contain("login.example:443"));
    }

    [TestCase("you sent s3cr3t-words")]
    [TestCase("a\\r\\nb\\u001b[31m")]
    public void Answer_WithWordsOfAStranger_RepeatsNoSecretAndNoControls(string words)
    {
        var failure = Assert.Throws<TokenException>(() => Read(400, $$"""{"error":"invalid_request","error_description":"{{words}}"}"""))!;
        Assert.That(failure.Message, Does.Not.Contain("s3cr3t").And.Not.Contain("\n").And.Not.Contain("\u001b"));
    }

    [TestCase(16_384, true)]
    [TestCase(16_385, false)]
    public void Token_Long_IsTakenWithinReason(int length, bool isTaken)
    {
        Action read = () => Read(200, $$"""{"access_token":"{{new string('t', length)}}"}""");
        Assert.That(read, isTaken ? Throws.Nothing : Throws.TypeOf<TokenException>());
    }

    private static TokenAnswer Read(int status, string body) =>
        TokenAnswer.Read(status, Encoding.UTF8.GetBytes(body), null, null, Login, [.. Login.Secrets]);
}
