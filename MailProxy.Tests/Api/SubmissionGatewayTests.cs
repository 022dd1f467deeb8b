using System.Threading.Channels;
using MailProxy.Pipeline.Flow;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>Withdrawn or taken: what happens when the input, the memory, the store or the disk makes a request wait.</summary>
[TestFixture]
public sealed class SubmissionGatewayTests
{
    private const string Mail = """{"from":"a@x.example","to":"b@x.example","text":"hello"}""";
    private static readonly TimeSpan GatewayWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan TakePatience = TimeSpan.FromSeconds(10);

    private static Submission Blocker() => new("default", [], null);

    private static ApiHost Unread(int capacity = 1) => new() { Behind = null, Ingest = Channel.CreateBounded<Submission>(capacity) };

    private static async Task<Submission> NextAsync(ApiHost host) =>
        await host.Ingest.Reader.ReadAsync().AsTask().WaitAsync(ApiHost.Deadline);

    [Test]
    public async Task ChannelFull_PatienceOver_503NothingHandedOver()
    {
        await using var host = await ApiHost.StartAsync(Unread());
        await host.Ingest.Writer.WriteAsync(Blocker());

        var posting = host.SendAsync("POST", "/v1/messages", Mail);
        await host.Clock.WaitedForAsync(GatewayWait);
        host.Clock.Advance(GatewayWait);

        using var answer = await posting;
        await answer.ProblemAsync(503, "overloaded");
        Assert.That(answer.Headers.RetryAfter?.Delta, Is.GreaterThan(TimeSpan.Zero));
        await NextAsync(host);
        Assert.That(host.Ingest.Reader.TryRead(out _), Is.False);
    }

    [Test]
    public async Task ChannelFull_CapacityInTime_Taken()
    {
        await using var host = await ApiHost.StartAsync(Unread());
        await host.Ingest.Writer.WriteAsync(Blocker());

        var posting = host.SendAsync("POST", "/v1/messages", Mail);
        await host.Clock.WaitedForAsync(GatewayWait);
        await NextAsync(host);
        ApiHost.StoreAll(await NextAsync(host));

        using var answer = await posting;
        Assert.That((int)answer.StatusCode, Is.EqualTo(202));
    }

    [Test]
    public async Task MemoryFull_PatienceOver_503AndCapacityAgainAfterTheFirst()
    {
        await using var host = await ApiHost.StartAsync(
            new()
            {
                Behind = null,
                Limits = new() { RequestBytes = 1 << 20 },
            }
        );
        var large = Mail.Replace("\"text\"", $"\"subject\":\"{new string('x', 700_000)}\",\"text\"");

        var first = host.SendAsync("POST", "/v1/messages", large);
        var taken = await NextAsync(host);
        var second = host.SendAsync("POST", "/v1/messages", large);
        await host.Clock.WaitedForAsync(GatewayWait);
        host.Clock.Advance(GatewayWait);
        using (var refused = await second)
            await refused.ProblemAsync(503, "overloaded");

        ApiHost.StoreAll(taken);
        using var stored = await first;
        Assert.That((int)stored.StatusCode, Is.EqualTo(202));
        var third = host.SendAsync("POST", "/v1/messages", large);
        ApiHost.StoreAll(await NextAsync(host));
        using var again = await third;
        Assert.That((int)again.StatusCode, Is.EqualTo(202));
    }

    [Test]
    public async Task MemoryThenChannel_WaitsTogetherAtMostThePatience()
    {
        await using var host = await ApiHost.StartAsync(
            new()
            {
                Behind = null,
                Ingest = Channel.CreateBounded<Submission>(1),
                Limits = new() { RequestBytes = 1 << 20 },
            }
        );
        var large = Mail.Replace("\"text\"", $"\"subject\":\"{new string('x', 700_000)}\",\"text\"");
        var first = host.SendAsync("POST", "/v1/messages", large);
        var taken = await NextAsync(host);
        await host.Ingest.Writer.WriteAsync(Blocker());

        var second = host.SendAsync("POST", "/v1/messages", large);
        await host.Clock.WaitedForAsync(GatewayWait);
        host.Clock.Advance(TimeSpan.FromSeconds(1.5));
        ApiHost.StoreAll(taken); // memory comes, the channel stays full
        using (await first) { }
        await host.Clock.WaitedForAsync(TimeSpan.FromSeconds(0.5));
        host.Clock.Advance(TimeSpan.FromSeconds(0.5));

        using var answer = await second;
        await answer.ProblemAsync(503, "overloaded");
    }

    [Test]
    public async Task NotTaken_PatienceOver_WithdrawnAnd503()
    {
        await using var host = await ApiHost.StartAsync(Unread());
        var posting = host.SendAsync("POST", "/v1/messages", Mail);
        var submission = await NextAsync(host);
        await host.Clock.WaitedForAsync(TakePatience);
        host.Clock.Advance(TakePatience);

        using var answer = await posting;
        await answer.ProblemAsync(503, "overloaded");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(submission.IsWithdrawn);
            Assert.That(submission.TryTake(), Is.False);
        }
    }

    [Test]
    public async Task Taken_PatienceOver_AwaitsTheCommit()
    {
        await using var host = await ApiHost.StartAsync(Unread());
        var posting = host.SendAsync("POST", "/v1/messages", Mail);
        var submission = await NextAsync(host);
        await host.Clock.WaitedForAsync(TakePatience);
        Assert.That(submission.TryTake());
        host.Clock.Advance(TimeSpan.FromMinutes(5));
        submission.Complete(ApiHost.Stored(submission));

        using var answer = await posting;
        Assert.That((int)answer.StatusCode, Is.EqualTo(202));
    }

    [Test]
    public async Task ClientGone_AfterHandingOver_CancelsNothing()
    {
        await using var host = await ApiHost.StartAsync(
            new()
            {
                OnKestrel = true,
                Behind = null,
                Limits = new() { RequestBytes = 1 << 20 },
            }
        );
        var large = Mail.Replace("\"text\"", $"\"subject\":\"{new string('x', 700_000)}\",\"text\"");
        using var gone = new CancellationTokenSource();
        var posting = host.Client.PostAsync("/v1/messages", new StringContent(large, null, "application/json"), gone.Token);
        var submission = await NextAsync(host);
        await gone.CancelAsync();
        Assert.That(async () => await posting.WaitAsync(ApiHost.Deadline), Throws.InstanceOf<OperationCanceledException>());

        Assert.That(submission.TryTake(), "it may still be stored");

        // Its memory is given back when it is answered, and not before.
        var next = host.SendAsync("POST", "/v1/messages", large);
        await host.Clock.WaitedForAsync(GatewayWait);
        submission.Complete(ApiHost.Stored(submission));
        ApiHost.StoreAll(await NextAsync(host));
        using var answer = await next;
        Assert.That((int)answer.StatusCode, Is.EqualTo(202));
    }

    [Test]
    public async Task ClientGone_WaitingAtTheGateway_NothingHandedOver()
    {
        await using var host = await ApiHost.StartAsync(Unread());
        await host.Ingest.Writer.WriteAsync(Blocker());
        using var gone = new CancellationTokenSource();
        var posting = host.Client.PostAsync("/v1/messages", new StringContent(Mail, null, "application/json"), gone.Token);
        await host.Clock.WaitedForAsync(GatewayWait);
        await gone.CancelAsync();
        Assert.That(async () => await posting.WaitAsync(ApiHost.Deadline), Throws.InstanceOf<OperationCanceledException>());

        await NextAsync(host);
        var next = host.SendAsync("POST", "/v1/messages", Mail.Replace("hello", "second"));
        var submission = await NextAsync(host);
        Assert.That(submission.Drafts[0].Mail!.Text, Is.EqualTo("second"));
        ApiHost.StoreAll(submission);
        using var answer = await next;
    }

    [Test]
    public async Task DiskLow_503UntilThereIsSpaceAgain()
    {
        await using var host = await ApiHost.StartAsync(new() { Limits = new() { MinFreeBytes = 1_000 } });
        host.FreeDisk = 999;
        foreach (var path in (string[])["/v1/messages", "/v1/messages/batch"])
        {
            using var refused = await host.SendAsync("POST", path, Mail);
            await refused.ProblemAsync(503, "disk_low");
            Assert.That(refused.Headers.RetryAfter?.Delta, Is.GreaterThan(TimeSpan.Zero));
        }

        host.FreeDisk = 1_000;
        host.Clock.Advance(TimeSpan.FromSeconds(1));
        using var answer = await host.SendAsync("POST", "/v1/messages", Mail);
        Assert.That((int)answer.StatusCode, Is.EqualTo(202));
    }

    [Test]
    public async Task NotRunning_503Stopping()
    {
        await using var host = await ApiHost.StartAsync();
        host.Health.Running = false;
        using var answer = await host.SendAsync("POST", "/v1/messages", Mail);
        await answer.ProblemAsync(503, "stopping");
        Assert.That(answer.Headers.RetryAfter?.Delta, Is.GreaterThan(TimeSpan.Zero));
    }

    [Test]
    public async Task ChannelClosed_WhileWaiting_503()
    {
        await using var host = await ApiHost.StartAsync(Unread());
        await host.Ingest.Writer.WriteAsync(Blocker());
        var posting = host.SendAsync("POST", "/v1/messages", Mail);
        await host.Clock.WaitedForAsync(GatewayWait);
        host.Health.Running = false;
        host.Ingest.Writer.Complete();
        using var answer = await posting;
        await answer.ProblemAsync(503, "stopping");
    }
}
