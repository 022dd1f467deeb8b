using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

/// <summary>Endpoints that refuse, hang, send elsewhere or do not end.</summary>
public sealed class WebhookFailureTests : ReporterFixture
{
    [Test]
    public async Task Failure_ThenSuccess_RetriesUnchangedAndBeginsAnew()
    {
        Hook.AnswerWith(500);
        Log.Add("m1", 1);
        await StartAsync(Endpoint());
        var first = await Hook.NextAsync();
        await FailuresAsync(1);

        Clock.Advance(TimeSpan.FromSeconds(5));
        var second = await Hook.NextAsync();
        await FailuresAsync(2);
        Hook.AnswerWith(204);
        Clock.Advance(TimeSpan.FromSeconds(30));
        var third = await Hook.NextAsync();
        await AcknowledgedAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(new[] { second.Id, third.Id }, Is.All.EqualTo(first.Id));
            Assert.That(new[] { second.Text, third.Text }, Is.All.EqualTo(first.Text));
            Assert.That(third.Signature, Is.EqualTo(SignatureOf(third)));
            Assert.That(long.Parse(third.Timestamp, CultureInfo.InvariantCulture), Is.EqualTo(1_700_000_035));
            Assert.That(Log.ProgressOf("w1"), Is.EqualTo(new EndpointProgress(1)));
        });
    }

    [Test]
    public async Task Failure_OfManyAtOnce_IsOneFailureAndOneProbe()
    {
        Hook.AnswerWith(503);
        for (var i = 0; i < 30; i++)
            Log.Add($"m{i}", 1);
        await StartAsync(Endpoint());
        var first = await Hook.NextAsync(8);
        await FailuresAsync(1);

        // All eight must have come back before there is a probe.
        Clock.Advance(TimeSpan.FromSeconds(5));
        var probe = await Hook.NextAsync();
        await FailuresAsync(2);

        Assert.Multiple(() =>
        {
            Assert.That(first, Has.Count.EqualTo(8));
            Assert.That(probe.Id, Is.EqualTo("evt_1"));
            Assert.That(Hook.Hits, Has.Count.EqualTo(9));
            Assert.That(Log.ProgressOf("w1").FailingSince, Is.EqualTo(1_700_000_000_000));
        });
    }

    [Test]
    public async Task RetryAfter_IsHonoured()
    {
        Hook.Answer = (_, context) =>
        {
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "100";
            return Task.CompletedTask;
        };
        Log.Add("m1", 1);
        await StartAsync(Endpoint());
        await Hook.NextAsync();
        await FailuresAsync(1);
        Hook.AnswerWith(200);

        Clock.Advance(TimeSpan.FromSeconds(99));
        Clock.Advance(TimeSpan.FromSeconds(1));
        var hit = await Hook.NextAsync();

        Assert.That(hit.Timestamp, Is.EqualTo("1700000100"));
    }

    [Test]
    public async Task Gone_DisablesAtOnceAndTells()
    {
        Hook.AnswerWith(410);
        Log.Add("m1", 1);
        await StartAsync(Endpoint());

        await Log.UntilAsync(log => log.ProgressOf("w1").DisabledAt is not null);

        var told = Log.Events.Single(e => e.Type == EventType.WebhookDisabled);
        Assert.Multiple(() =>
        {
            Assert.That(Encoding.UTF8.GetString(told.Detail.Span), Does.Contain("\"webhook\":\"w1\"").And.Contain("\"reason\":\"gone\""));
            Assert.That(Log.ProgressOf("w1").Acknowledged, Is.Zero);
            Assert.That(Hook.Hits, Has.Count.EqualTo(1));
        });
    }

    [Test]
    public async Task Failing_For75Hours_IsDisabledWithAnEvent()
    {
        Hook.AnswerWith(500);
        Log.Add("m1", 1);
        var began = Clock.GetUtcNow().ToUnixTimeMilliseconds();
        await StartAsync(Endpoint() with { Progress = new(0, began - (75 * 3_600_000L) + 3000, 400) }); // so many fit into that time
        await FailuresAsync(401);

        Clock.Advance(TimeSpan.FromSeconds(3));
        await Log.UntilAsync(log => log.ProgressOf("w1").DisabledAt is not null);

        Assert.That(
            Encoding.UTF8.GetString(Log.Events.Single(e => e.Type == EventType.WebhookDisabled).Detail.Span),
            Does.Contain("\"reason\":\"failing\"")
        );
    }

    [Test]
    public async Task Redirect_IsAFailureAndNotFollowed()
    {
        await using var other = await LoopbackWebhook.StartAsync();
        var target = other.Url;
        Hook.Answer = (_, context) =>
        {
            context.Response.Redirect(target, permanent: true);
            return Task.CompletedTask;
        };
        Log.Add("m1", 1);
        await StartAsync(Endpoint());

        await FailuresAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(Log.ProgressOf("w1").LastError, Does.Contain("301"));
            Assert.That(other.Hits, Is.Empty);
        });
    }

    [Test]
    public async Task Hanging_BesideAHealthyOne_DelaysOnlyItself()
    {
        await using var other = await LoopbackWebhook.StartAsync();
        Hook.Hang();
        await Log.PutEndpointAsync(Endpoint(), "test");
        await StartAsync(Endpoint() with { Id = "w2", Url = other.Url });
        for (var i = 0; i < 100; i++)
            Log.Add($"m{i}", 1);

        await other.NextAsync(100);
        await Log.UntilAsync(log => log.ProgressOf("w2").Acknowledged == 100);
        await Hook.NextAsync(8);
        Clock.Advance(TimeSpan.FromSeconds(15));
        await FailuresAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(Log.ProgressOf("w1").LastError, Does.Contain("15 s"));
            Assert.That(Log.ProgressOf("w1").Acknowledged, Is.Zero);
        });
    }

    [Test]
    public async Task Refused_ByTheNetworkPolicy_IsAFailure()
    {
        using var strict = new Dialer(new(new())).HttpClient();
        Log.Add("m1", 1);
        await StartAsync(Endpoint(), strict);

        await FailuresAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(Log.ProgressOf("w1").LastError, Does.Contain("not allowed"));
            Assert.That(Hook.Hits, Is.Empty);
        });
    }

    [Test]
    public async Task Answer_OfEndlessBytes_IsReadToTheCapOnly()
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Hook.Answer = async (_, context) =>
        {
            var chunk = new byte[16 * 1024];
            try
            {
                while (true)
                    await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
            }
            catch (OperationCanceledException)
            {
                gone.TrySetResult();
            }
        };
        Log.Add("m1", 1);
        await StartAsync(Endpoint());

        await AcknowledgedAsync(1);

        await gone.Task.WaitAsync(Deadline);
    }

    [Test]
    public async Task Measure_FailingEndpoint_ShowsHowFarBehindItIs()
    {
        Hook.AnswerWith(500);
        for (var i = 0; i < 3; i++)
            Log.Add("m1", i + 1, at: Clock.GetUtcNow().ToUnixTimeMilliseconds());
        await StartAsync(Endpoint());
        await FailuresAsync(1);
        Clock.Advance(TimeSpan.FromSeconds(2));

        Reporter.Measure();

        Assert.Multiple(() =>
        {
            Assert.That(Metrics.ReportBacklog.WithLabels("default", "w1").Value, Is.EqualTo(3));
            Assert.That(Metrics.ReportLag.WithLabels("default", "w1").Value, Is.EqualTo(2));
        });
    }

    // Written without the code under test, as a receiver would.
    private static string SignatureOf(WebhookHit hit) =>
        "v1,"
        + Convert.ToBase64String(
            HMACSHA256.HashData(
                Convert.FromBase64String(Secret["whsec_".Length..]),
                Encoding.UTF8.GetBytes($"{hit.Id}.{hit.Timestamp}.").Concat(hit.Body).ToArray()
            )
        );
}
