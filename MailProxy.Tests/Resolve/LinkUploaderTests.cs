using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Prometheus;

namespace MailProxy.Tests.Resolve;

[TestFixture]
internal sealed class LinkUploaderTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private Wake _wake = null!;
    private TaskCompletionSource<FetchTrouble> _failed = null!;
    private CancellationTokenSource _stop = null!;
    private LinkRig _rig = null!;
    private LinkUploader _fetcher = null!;
    private Task _run = Task.CompletedTask;

    [SetUp]
    public async Task StartAsync()
    {
        (_wake, _failed, _stop) = (new(), new(TaskCreationOptions.RunContinuationsAsynchronously), new());
        _rig = await LinkRig.StartAsync();
        _fetcher = new(
            _rig.Service.Files,
            _wake,
            (_, trouble) =>
            {
                _failed.TrySetResult(trouble);
                return ValueTask.CompletedTask;
            },
            new PipelineMetrics(Metrics.NewCustomRegistry()),
            NullLogger.Instance
        );
        _run = _fetcher.RunAsync(_stop.Token);
    }

    [TearDown]
    public async Task EndAsync()
    {
        await _stop.CancelAsync();
        await _run.WaitAsync(Deadline);
        _stop.Dispose();
        _rig.Dispose();
    }

    [Test]
    public async Task TryUpload_Done_ComesBackWithItsLinksMadeAndItsFilesLetGo()
    {
        LargeFile[] files = [LinkRig.File(LinkRig.Bytes(5_000))];
        var held = new Held();
        Assert.That(_fetcher.TryUpload(Ticket(1), "acme", LinkRig.Rule, files, held));
        Assert.That(await ReturnedAsync(), Is.EqualTo([Ticket(1)]));
        await held.LetGo.WaitAsync(Deadline);
        Assert.That((await _rig.ApplyAsync(files, mayUpload: false))!.Links, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task TryUpload_VolumeInTrouble_FailsForNowAndLetsTheFilesGo()
    {
        _rig.Volumes.Swap(new([]));
        var held = new Held();
        Assert.That(_fetcher.TryUpload(Ticket(1), "acme", LinkRig.Rule, [LinkRig.File(LinkRig.Bytes(5_000))], held));
        var trouble = await _failed.Task.WaitAsync(Deadline);
        await held.LetGo.WaitAsync(Deadline);
        Assert.That(trouble is { Status: null, BySource: true });
        Assert.That(trouble.Message, Does.Contain("'files'"));
    }

    [Test]
    public async Task TryUpload_TooMany_SaysSoAndTakesNothing()
    {
        var gate = new ManualResetEventSlim();
        var file = new LargeFile(
            0,
            "a",
            null,
            5_000,
            false,
            () =>
            {
                gate.Wait(Deadline);
                return new MemoryStream(new byte[5_000]);
            }
        );
        for (var i = 1; i <= LinkUploader.MostMails; i++)
            Assert.That(_fetcher.TryUpload(Ticket(i), "acme", LinkRig.Rule, [file], new Held()));
        var held = new Held();
        Assert.That(_fetcher.TryUpload(Ticket(99), "acme", LinkRig.Rule, [file], held), Is.False);
        Assert.That(held.LetGo.IsCompleted, Is.False, "still the caller's");
        gate.Set();
        var returned = new List<QueuedMail>();
        while (returned.Count < LinkUploader.MostMails)
            returned.AddRange(await ReturnedAsync());
        Assert.That(returned.Select(t => t.Id), Is.EquivalentTo(Enumerable.Range(1, LinkUploader.MostMails)));
    }

    [Test]
    public async Task Run_Stopped_TakesNothingMore()
    {
        await _stop.CancelAsync();
        await _run.WaitAsync(Deadline);
        Assert.That(_fetcher.TryUpload(Ticket(1), "acme", LinkRig.Rule, [LinkRig.File(LinkRig.Bytes(5_000))], new Held()), Is.False);
    }

    private async Task<List<QueuedMail>> ReturnedAsync()
    {
        while (true)
        {
            await _wake.WaitAsync().WaitAsync(Deadline);
            if (_wake.Drain().Returned is { Count: > 0 } returned)
                return returned;
        }
    }

    private static QueuedMail Ticket(long id) => new(id, 1, new(1), Priority.Medium, 0, 0, 1);

    private sealed class Held : IDisposable
    {
        private readonly TaskCompletionSource _letGo = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task LetGo => _letGo.Task;

        public void Dispose() => _letGo.TrySetResult();
    }
}
