using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

/// <summary>When a message is tried again, and what becomes of it until then.</summary>
public sealed class SettlerDelayTests
{
    private const long Minute = 60_000;

    private readonly Settler _settler = new(new ReportOptions(), _ => null, () => 0.5);

    [Test]
    public void Attempted_Deferred_TellsWhoAndWhen()
    {
        var told = _settler.Attempted(Ticket(), Content(3), Verdicts("ADR"), Now).Events.Single();

        Assert.Multiple(() =>
        {
            Assert.That(Listed(told), Is.EqualTo(new[] { "r0@x=sent", "r1@x=deferred", "r2@x=failed" }));
            Assert.That(Detail(told).GetProperty("next_attempt_at").GetString(), Is.EqualTo(Timestamps.Write(Now + Minute)));
            Assert.That(
                Detail(told).GetProperty("recipients")[2].GetRawText(),
                Is.EqualTo("""{"email":"r2@x","status":"failed","smtp_code":550,"enhanced_code":"5.1.1","reply":"no"}""")
            );
            Assert.That(Detail(told).TryGetProperty("possible_duplicate", out _), Is.False);
        });
    }

    [Test]
    public void Attempted_NamedDelay_IsKeptTo()
    {
        var settlement = _settler.Attempted(Ticket(), Content(), Verdicts("D", TimeSpan.FromMinutes(7)), Now);

        Assert.That(Describe(settlement.Step), Is.EqualTo("again 420000/1/1"));
    }

    [Test]
    public void Attempted_OneNamesAShortDelay_TheOtherIsNotAskedBeforeItsTime()
    {
        RecipientVerdict[] verdicts = [.. Verdicts("D", TimeSpan.FromSeconds(3)), Verdicts("DD")[1]];

        Assert.That(Describe(_settler.Attempted(Ticket(), Content(2), verdicts, Now).Step), Is.EqualTo("again 60000/1/2"));
    }

    [Test]
    public void Attempted_RetryBeyondExpiry_KeepsItsDueTime()
    {
        var content = Content(1, new() { Round = 6 });
        content = content with { Standing = content.Standing with { ExpiresAt = Now + Minute } };

        Assert.That(Describe(_settler.Attempted(Ticket(), content, Verdicts("D"), Now).Step), Is.EqualTo("again 28800000/7/1"));
    }

    [TestCase(0, 0, 30)]
    [TestCase(1, 0, 60)]
    [TestCase(4, 3, 60)]
    [TestCase(4, 0, 900)]
    [TestCase(90, 1, 900)]
    [TestCase(1, 5, 30)]
    public void Postponed_AgainAndAgain_WaitsLongerButLosesNoAttempt(int ended, int counted, int seconds)
    {
        var settlement = _settler.Postponed(
            new(Ticket(attempt: ended), null, "disk"),
            Content(
                2,
                new()
                {
                    Round = 2,
                    Attempts = counted,
                    Rest = 1,
                }
            ),
            Now
        );

        Assert.Multiple(() =>
        {
            Assert.That(settlement.Mark, Is.Null);
            Assert.That(settlement.State, Is.EqualTo(MessageState.Deferred));
            Assert.That(Describe(settlement.Step), Is.EqualTo($"again {seconds * 1000}/2/3"));
            Assert.That(settlement.Attempts, Is.EqualTo(counted));
            Assert.That(settlement.Recipients, Is.Empty);
            Assert.That(Detail(settlement.Events.Single()).GetProperty("reason").GetString(), Is.EqualTo("disk"));
        });
    }

    [TestCase(0, 30)]
    [TestCase(1, 120)]
    [TestCase(3, 900)]
    [TestCase(50, 3600)]
    public void Postponed_ByASource_HasAScheduleOfItsOwn(int before, int seconds)
    {
        var settlement = _settler.Postponed(
            new(Ticket(attempt: before), null, "http://x/y: no answer") { BySource = true },
            Content(1),
            Now
        );

        Assert.That(Describe(settlement.Step), Is.EqualTo($"again {seconds * 1000}/0/1"));
        Assert.That(
            (settlement.Mark, settlement.Attempts, settlement.Events.Single().Type),
            Is.EqualTo(((Mark?)null, 0, EventType.MessageDeferred))
        );
        Assert.That(Detail(settlement.Events.Single()).GetProperty("reason").GetString(), Is.EqualTo("http://x/y: no answer"));
    }

    [TestCase(70, 70)]
    [TestCase(0, 1)]
    [TestCase(100_000, 3600)]
    public void Postponed_WithANamedDelay_KeepsToIt(int named, int seconds)
    {
        var settlement = _settler.Postponed(
            new(Ticket(), null, "busy") { BySource = true, RetryAfter = TimeSpan.FromSeconds(named) },
            Content(1),
            Now
        );

        Assert.That(Describe(settlement.Step), Is.EqualTo($"again {seconds * 1000}/0/1"));
    }

    [Test]
    public void Attempted_AccountWithAScheduleOfItsOwn_FollowsIt()
    {
        var settler = new Settler(new ReportOptions(), account => account == Account ? new([7]) : null, () => 0.5);
        RecipientVerdict[] later = [new(0, "a@example.com", Verdict.Deferred, 450, null, null)];
        Assert.That(Describe(settler.Attempted(Ticket(), Content(1), later, Now).Step), Is.EqualTo($"again {7 * Minute}/1/1"));
        Assert.That(
            settler.Attempted(Ticket(), Content(1, new() { Round = 1 }), later, Now).State,
            Is.EqualTo(MessageState.Failed),
            "it has one step"
        );
    }

    private static string Describe(QueueStep step) =>
        step switch
        {
            QueueStep.Remove => "remove",
            QueueStep.Hold hold => $"hold {hold.Round}/{hold.Recipients}",
            QueueStep.Again again => $"again {(again.Due == 0 ? 0 : again.Due - Now)}/{again.Round}/{again.Recipients}",
            _ => throw new ArgumentOutOfRangeException(nameof(step)),
        };
}
