using System.Diagnostics;
using MailProxy.Pipeline.Telemetry;
using NUnit.Framework;

namespace MailProxy.Tests.Telemetry;

/// <summary>Spans are made for who listens, with the times that were, and leave alone what is going on.</summary>
internal sealed class MailSpansTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly List<Activity> _ended = [];
    private TraceContext _caller = null!;

    [SetUp]
    public void SetUp()
    {
        _ended.Clear();
        _caller = TraceContext.Read($"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-01", "a=1")!;
    }

    [Test]
    public void Begin_WithAParent_IsItsChildAndLeavesTheCurrentActivityAlone()
    {
        using var listener = Listen();
        using var current = new Activity("current").Start();
        var span = MailSpans.Begin("test", ActivityKind.Client, _caller, At)!;
        Assert.That(Activity.Current, Is.SameAs(current));
        span.Set("given", 1).Set("not", null).End(At.AddSeconds(2));
        Assert.That(Activity.Current, Is.SameAs(current));

        var ended = _ended.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((ended.ParentId, ended.Kind), Is.EqualTo((_caller.Parent, ActivityKind.Client)));
            Assert.That((ended.StartTimeUtc, ended.Duration), Is.EqualTo((At.UtcDateTime, TimeSpan.FromSeconds(2))));
            Assert.That(ended.TagObjects, Is.EqualTo(new[] { KeyValuePair.Create("given", (object?)1) }));
            Assert.That(span.Context, Is.EqualTo(new TraceContext(ended.Id!, "a=1")));
        }
    }

    [Test]
    public void Begin_WithoutAParent_BeginsATraceWhateverIsGoingOn()
    {
        using var listener = Listen(all: true);
        using var current = new Activity("current").Start();
        var other = TraceContext.Read($"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-01", null)!;
        var span = MailSpans.Begin("test", ActivityKind.Internal, null, At, [_caller, null, _caller, other])!;
        span.Failed("refused").End(At.AddSeconds(-1));

        var ended = _ended.Single(one => one.Id == span.Context.Parent);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((ended.ParentId, ended.TraceId == current.TraceId), Is.EqualTo(((string?)null, false)));
            Assert.That(ended.Duration, Is.LessThan(TimeSpan.FromMilliseconds(1)), "the clock was set back");
            Assert.That((ended.Status, ended.GetTagItem("error.type")), Is.EqualTo((ActivityStatusCode.Error, "refused")));
            Assert.That(
                ended.Links.Select(static link => link.Context.TraceId),
                Is.EqualTo(new[] { _caller.ToActivity().TraceId, other.ToActivity().TraceId })
            );
        }
    }

    [Test]
    public void Begin_WhatIsNotRecorded_IsNone()
    {
        Assert.That(MailSpans.Begin("test", ActivityKind.Internal, _caller, At), Is.Null, "nobody listens to that trace");
        using var listener = Listen(result: ActivitySamplingResult.PropagationData);
        using var current = new Activity("current").Start();
        Assert.That(MailSpans.Begin("test", ActivityKind.Internal, _caller, At), Is.Null);
        Assert.That(Activity.Current, Is.SameAs(current));
    }

    // Other tests may run in this process, so only what belongs to this one is listened to.
    private ActivityListener Listen(ActivitySamplingResult result = ActivitySamplingResult.AllDataAndRecorded, bool all = false)
    {
        var own = _caller.ToActivity().TraceId;
        var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == MailSpans.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> asked) =>
                asked.TraceId == own || (all && asked.Name == "test") ? result : ActivitySamplingResult.None,
            ActivityStopped = activity =>
            {
                lock (_ended)
                    _ended.Add(activity);
            },
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
