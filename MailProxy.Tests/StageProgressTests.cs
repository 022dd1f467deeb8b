using MailProxy.Pipeline;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Telemetry;
using NUnit.Framework;

namespace MailProxy.Tests;

/// <summary>Which stages stand still, seen from two looks.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class StageProgressTests
{
    private readonly PipelineChannels _channels = new(16);
    private readonly Wake _wake = new();
    private readonly PipelineHealth _health = new() { Running = true };
    private readonly StageProgress _progress;

    public StageProgressTests() => _progress = new(_channels, _wake, _health);

    [Test]
    public void Stuck_NothingToDo_NobodyIs()
    {
        for (var i = 0; i < 3; i++)
        {
            Assert.That(_progress.Stuck(), Is.Empty);
            _wake.Drain();
        }
    }

    [Test]
    public void Stuck_TheSameSubmissionAtTheHead_IngestIs()
    {
        Submit();
        Assert.That(Look(), Is.Empty);
        Assert.That(Look(), Is.EqualTo(new[] { "ingest" }));
        Assert.That(Look(), Is.EqualTo(new[] { "ingest" }));
    }

    [Test]
    public void Stuck_AnotherSubmissionAtTheHead_NobodyIs()
    {
        Submit();
        Submit();
        Assert.That(Look(), Is.Empty);
        _channels.Submissions.Reader.TryRead(out _);
        Assert.That(Look(), Is.Empty);
    }

    [Test]
    public void Stuck_SignalThatNobodyTook_ScheduleIs()
    {
        Assert.That(_progress.Stuck(), Is.Empty);
        Assert.That(_progress.Stuck(), Is.EqualTo(new[] { "schedule" }));
        _wake.Drain();
        Assert.That(_progress.Stuck(), Is.Empty);
    }

    [Test]
    public void Stuck_StoreThatCannotWriteOrAPipelineThatStops_IsNoReasonToRestart()
    {
        Submit();
        Look();
        _health.StoreTrouble = "disk full";
        Assert.That(Look(), Is.Empty);
        _health.StoreTrouble = null;
        Assert.That(Look(), Is.EqualTo(new[] { "ingest" }));
        _health.Running = false;
        Assert.That(Look(), Is.Empty);
    }

    // The scheduler takes its signal between two looks.
    private IReadOnlyList<string> Look()
    {
        _wake.Drain();
        return _progress.Stuck();
    }

    private void Submit() => Assert.That(_channels.Submissions.Writer.TryWrite(new("default", Array.Empty<Draft>(), null)), Is.True);
}
