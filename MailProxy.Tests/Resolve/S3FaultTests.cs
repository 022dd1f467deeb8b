using System.Globalization;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>What an S3 store's errors mean for the mail: judged by the store's own code.</summary>
public sealed class S3FaultTests
{
    private LoopbackFiles _store = null!;
    private SourceBench _bench = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _store = await LoopbackFiles.StartAsync();
        _bench = new();
        _bench.Set(
            "s3",
            new VolumeConfig.S3("files", null, "us-east-1", new($"http://store.files.example:{_store.Port}"), true, "key", "secret", true)
        );
    }

    [TearDown]
    public async Task StopAsync()
    {
        _bench.Dispose();
        await _store.DisposeAsync();
    }

    // Down: it is ours or passes, and the mail waits. Gone and Refused: the object is what is wrong.
    [TestCase(403, "RequestTimeTooSkewed", "Down")]
    [TestCase(403, "RequestExpired", "Down")]
    [TestCase(400, "ExpiredToken", "Down")]
    [TestCase(400, "InvalidToken", "Down")]
    [TestCase(400, "TokenRefreshRequired", "Down")]
    [TestCase(403, "InvalidAccessKeyId", "Down")]
    [TestCase(403, "SignatureDoesNotMatch", "Down")]
    [TestCase(400, "AuthorizationHeaderMalformed", "Down")]
    [TestCase(403, "AccountProblem", "Down")]
    [TestCase(403, "NotSignedUp", "Down")]
    [TestCase(400, "RequestTimeout", "Down")]
    [TestCase(503, "SlowDown", "Down")]
    [TestCase(429, "SlowDown", "Down")]
    [TestCase(429, "TooManyRequests", "Down")]
    [TestCase(400, "ThrottlingException", "Down")]
    [TestCase(500, "InternalError", "Down")]
    [TestCase(503, "ServiceUnavailable", "Down")]
    [TestCase(409, "OperationAborted", "Down")]
    [TestCase(307, "TemporaryRedirect", "Down")]
    [TestCase(301, "PermanentRedirect", "Down")]
    [TestCase(401, null, "Down")]
    [TestCase(502, null, "Down")]
    [TestCase(504, null, "Down")]
    [TestCase(307, null, "Down")]
    [TestCase(404, "NoSuchKey", "Gone")]
    [TestCase(404, "NoSuchBucket", "Gone")]
    [TestCase(404, "NoSuchVersion", "Gone")]
    [TestCase(404, null, "Gone")]
    [TestCase(405, "MethodNotAllowed", "Gone")]
    [TestCase(403, "AccessDenied", "Refused")]
    [TestCase(403, "InvalidObjectState", "Refused")]
    [TestCase(400, "KeyTooLongError", "Refused")]
    [TestCase(403, null, "Refused")]
    [TestCase(400, "SomethingNew", "Refused")]
    public async Task Open_ErrorOfTheStore_IsJudgedByItsCode(int status, string? code, string expected)
    {
        Answer(status, code);

        var fault = await _bench.TryAsync("s3:a");

        Assert.That(fault?.Fault.ToString(), Is.EqualTo(expected));
        Assert.That(fault!.Message, Does.Contain(status.ToString(CultureInfo.InvariantCulture)));
        if (code is not null)
            Assert.That(fault.Message, Does.Contain(code));
    }

    [TestCase(1)]
    [TestCase(-1)]
    [TestCase(24)]
    public async Task Open_ClockOfOurs_IsCorrectedByTheStores(int hours)
    {
        var skewed = 0;
        _store.Answer = async context =>
        {
            var theirs = TimeProvider.System.GetUtcNow().AddHours(hours);
            context.Response.Headers.Date = theirs.ToString("R", CultureInfo.InvariantCulture);
            var ours = DateTimeOffset.ParseExact(
                context.Request.Headers["x-amz-date"]!,
                "yyyyMMdd'T'HHmmss'Z'",
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal
            );
            if ((ours - theirs).Duration() < TimeSpan.FromMinutes(15))
            {
                await context.Response.WriteAsync("content");
                return;
            }

            skewed++;
            context.Response.StatusCode = 403;
            await context.Response.WriteAsync(
                "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>"
            );
        };

        var first = await _bench.ReadAsync("s3:a");
        var second = await _bench.ReadAsync("s3:a");

        Assert.That(
            (first, second, skewed),
            Is.EqualTo(("content"u8.ToArray(), "content"u8.ToArray(), 1)),
            "once told, the clock stays right"
        );
    }

    [Test]
    public async Task Open_StoreWhoseClockMakesNoSense_IsAskedTwiceAtMost()
    {
        Answer(403, "RequestTimeTooSkewed", "Thu, 01 Jan 1970 00:00:00 GMT");

        Assert.That((await _bench.TryAsync("s3:a"))?.Fault, Is.EqualTo(SourceFault.Down));
        Assert.That(_store.Requests, Has.Count.InRange(1, 2));
    }

    [TestCase(500)]
    [TestCase(503)]
    public async Task Open_AnythingElse_IsNotTriedAgainBySdk(int status)
    {
        Answer(status, "InternalError");

        await _bench.TryAsync("s3:a");

        Assert.That(_store.Requests, Has.Count.EqualTo(1));
    }

    private void Answer(int status, string? code, string? date = null) =>
        _store.Answer = context =>
        {
            context.Response.StatusCode = status;
            if (date is not null)
                context.Response.Headers.Date = date;
            return context.Response.WriteAsync(
                code is null ? "" : $"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>Geheim</Message></Error>"
            );
        };
}
