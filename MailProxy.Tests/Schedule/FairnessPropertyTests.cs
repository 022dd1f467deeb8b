using CsCheck;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Schedule;

/// <summary>
/// Whatever batches, priorities, times, moves, cancels, waits and restarts there are: urgent mail goes first, batches are served alike,
/// each in its order, and everything goes.
/// </summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class FairnessPropertyTests
{
    /// <summary>
    /// By how many mails two batches may be apart. What makes them so: a batch that comes while others have few tickets waits until those
    /// are used up (7 each), of more than 64 batches each gives 4 a round, and a round may have begun before a batch came. These add up
    /// where memory is as small as here: mostly it is within 20, and 34 is the widest of some thousand sequences. Beyond this somebody
    /// starves.
    /// </summary>
    private const int Gap = 100;

    private static readonly Gen<(int What, int Lane, int Batch, int Count, int Which, int Priority)[]> Steps = Gen.Select(
        Gen.Int[0, 17],
        Gen.Int[0, 3],
        Gen.Int[0, 5],
        Gen.Int[1, 60],
        Gen.Int[0, 999],
        Gen.Int[0, 7]
    ).Array[5, 40];

    [Test]
    public async Task AnySequence_BatchesAreServedAlikeAndEverythingGoes()
    {
        var widest = 0.0;
        await Gen.Select(Steps, Gen.Int[16, 400], Gen.Int[8, 64])
            .SampleAsync(
                async (steps, window, page) =>
                {
                    using var play = new FairnessPlay(window, page);
                    foreach (var step in steps)
                        await DoAsync(play, step);
                    for (var i = 0; i < 20 && play.Waiting > 0; i++)
                    {
                        play.Advance(5_000);
                        await play.SendAsync(10_000);
                    }

                    widest = Math.Max(widest, play.WidestGap);
                    Assert.That(play.Waiting, Is.Zero);
                    Assert.That(play.WidestGap, Is.LessThanOrEqualTo(Gap), play.Story);
                },
                iter: 120,
                threads: 2
            );
        TestContext.Out.WriteLine($"Widest gap: {widest}");
    }

    [Test]
    public async Task AnySequence_BatchesThatWeigh_AreServedByTheirWeightAndEverythingGoes()
    {
        var widest = 0.0;
        await Gen.Select(Steps, Gen.Int[100, 400], Gen.Int[32, 128], Gen.Int[1, 4].Array[5])
            .SampleAsync(
                async (steps, window, page, weights) =>
                {
                    using var play = new FairnessPlay(window, page);
                    for (var i = 0; i < weights.Length; i++)
                        play.Weigh($"b{i + 1}", weights[i]);
                    foreach (var step in steps)
                    {
                        if (step.What == 14)
                            play.Weigh($"b{1 + (step.Batch % 5)}", 1 + (step.Which % 4));
                        await DoAsync(play, step);
                    }

                    for (var i = 0; i < 20 && play.Waiting > 0; i++)
                    {
                        play.Advance(5_000);
                        await play.SendAsync(10_000);
                    }

                    widest = Math.Max(widest, play.WidestGap);
                    Assert.That(play.Waiting, Is.Zero);
                    Assert.That(play.WidestGap, Is.LessThanOrEqualTo(Gap), play.Story);
                },
                iter: 120,
                threads: 2
            );
        TestContext.Out.WriteLine($"Widest gap: {widest}");
    }

    [TestCase(1, false)]
    [TestCase(3, false)]
    [TestCase(100, false)]
    [TestCase(3, true)]
    [TestCase(100, true)]
    public async Task OneWeighsMore_ItGoesSoManyTimesAsOften(int weight, bool restarts)
    {
        using var play = new FairnessPlay(window: 1000, page: 500);
        play.Weigh("heavy", weight);
        await play.PostAsync(Tickets.A, "heavy", 4000, Priority.Medium, 0);
        await play.PostAsync(Tickets.A, "light", 4000, Priority.Medium, 0);
        if (restarts)
            await play.RestartAsync();

        await play.SendAsync(20 * (weight + 1));

        Assert.That(4000 - play.WaitingOf("heavy"), Is.EqualTo(20 * weight).Within(2 * weight));
    }

    [Test]
    public async Task ItsWeightChanges_ActsAtOnce()
    {
        using var play = new FairnessPlay(window: 1000, page: 500);
        await play.PostAsync(Tickets.A, "one", 3000, Priority.Medium, 0);
        await play.PostAsync(Tickets.A, "other", 3000, Priority.Medium, 0);
        await play.SendAsync(100);
        Assert.That(play.WaitingOf("one"), Is.EqualTo(2950));

        play.Weigh("one", 9);
        await play.SendAsync(500);
        Assert.That(play.WaitingOf("one"), Is.EqualTo(2500).Within(10));
        play.Weigh("one", 1);
        await play.SendAsync(500);
        Assert.That(play.WaitingOf("one"), Is.EqualTo(2250).Within(10));
    }

    [Test]
    public async Task LargeAndSmallBatch_TheSmallIsOverAfterItsShare([Values] bool restarts)
    {
        using var play = new FairnessPlay(window: 1000, page: 500);
        await play.PostAsync(Tickets.A, "large", 3000, Priority.Medium, 0);
        if (restarts)
            await play.RestartAsync();
        await play.SendAsync(500);
        await play.PostAsync(Tickets.A, "small", 50, Priority.Medium, 0);
        if (restarts)
            await play.RestartAsync();

        await play.SendAsync(110);

        Assert.That(play.WaitingOf("small"), Is.Zero);
    }

    [Test]
    public async Task BatchesScheduledForTheSameTime_TheSmallIsOverAfterItsShare()
    {
        using var play = new FairnessPlay(window: 1000, page: 500);
        await play.PostAsync(Tickets.A, "large", 3000, Priority.Medium, 2);
        await play.PostAsync(Tickets.A, "small", 50, Priority.Medium, 2);
        play.Advance(2000);

        await play.SendAsync(110);

        Assert.That(play.WaitingOf("small"), Is.Zero);
    }

    [Test]
    public async Task ManySingleBatchesAndMailWithoutBatch_GoInTurnAndAllGo()
    {
        using var play = new FairnessPlay(window: 1000, page: 500);
        await play.PostAsync(Tickets.A, null, 500, Priority.Medium, 0);
        await play.PostSinglesAsync(Tickets.A, 2000, Priority.Medium, 0);

        await play.SendAsync(10_000);

        Assert.That((play.Waiting, play.Sent), Is.EqualTo((0, 2500)));
        Assert.That(play.WidestGap, Is.LessThanOrEqualTo(Gap));
    }

    [Test]
    public async Task ImmediateBehindALargeBacklog_GoesNext()
    {
        using var play = new FairnessPlay(window: 1000, page: 500);
        await play.PostAsync(Tickets.A, "large", 3000, Priority.Low, 0);
        await play.SendAsync(100);
        await play.PostAsync(Tickets.A, "urgent", 1, Priority.Immediate, 0);

        await play.SendAsync(1);

        Assert.That(play.WaitingOf("urgent"), Is.Zero);
    }

    private static async Task DoAsync(FairnessPlay play, (int What, int Lane, int Batch, int Count, int Which, int Priority) step)
    {
        var lane = step.Lane == 0 ? Tickets.B : Tickets.A;
        var priority = step.Priority switch
        {
            0 => Priority.Immediate,
            1 => Priority.High,
            2 => Priority.Low,
            _ => Priority.Medium,
        };
        switch (step.What)
        {
            case < 5:
                await play.PostAsync(lane, step.Batch == 0 ? null : $"b{step.Batch}", step.Count * 3, priority, 0);
                break;
            case < 7:
                await play.PostAsync(lane, step.Batch == 0 ? null : $"b{step.Batch}", step.Count, priority, 1 + (step.Which % 4));
                break;
            case 7:
                await play.PostSinglesAsync(lane, step.Count * 2, priority, step.Which % 3 == 0 ? 1 : 0);
                break;
            case < 13:
                await play.SendAsync(step.Count * 2);
                break;
            case 13:
                await play.CancelAsync(step.Which, step.Count / 4);
                break;
            case 14:
                await play.MoveAsync(step.Which, step.Count / 4);
                break;
            case 15:
                play.Advance(step.Which * 3);
                break;
            case 16:
                play.Park(lane, step.Which * 3);
                break;
            case 17 when step.Which % 3 == 0:
                await play.RestartAsync();
                break;
        }
    }
}
