using System.Security.Cryptography;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite.Flight;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite.Flight;

/// <summary>What is written into a slot is read from it, and what is torn or foreign is nothing.</summary>
public sealed class FlightSlotTests
{
    private static readonly byte[] Run = RandomNumberGenerator.GetBytes(FlightSlot.RunSize);

    private static readonly Mark Note = new(
        new(1L << 40, 3, new LaneKey(17), Priority.High, 9, 1_800_000_000_000, 2),
        2,
        new(new(LimitKey.Of(new AccountKey(17)), 5), new(LimitKey.OfTenant(4), 6), new(LimitKey.Installation, 7)),
        1_800_000_000_123
    );

    private static byte[] Slot(FlightPhase phase)
    {
        var slot = new byte[FlightSlot.Size];
        FlightSlot.Write(slot, Run, phase, Note);
        return slot;
    }

    [TestCase(1)]
    [TestCase(2)]
    public void Read_AMark_IsWhatWasWritten(int phase)
    {
        var record = FlightSlot.Read(Slot((FlightPhase)phase), Run)!;
        Assert.That((record.Phase, record.Mark), Is.EqualTo(((FlightPhase)phase, Note)));
        Assert.That(record.Verdicts, Is.Empty);
    }

    [Test]
    public void Read_APhaseWrittenLater_HasItAndItsTime()
    {
        var slot = Slot(FlightPhase.Marked);
        FlightSlot.WritePhase(slot, FlightPhase.Out, 1_800_000_009_999);
        Assert.That(FlightSlot.Read(slot, Run)!.Mark, Is.EqualTo(Note with { At = 1_800_000_009_999 }));
    }

    [Test]
    public void Read_AnAnswer_HasEveryVerdict()
    {
        RecipientVerdict[] verdicts =
        [
            new(0, "", Verdict.Accepted, 250, "2.0.0", "ok: queued as Ü17"),
            new(4, "", Verdict.Deferred, 451, null, null, TimeSpan.FromSeconds(300)),
            new(9, "", Verdict.NotTried, null, null, ""),
        ];
        var slot = Slot(FlightPhase.Out);
        Assert.That(FlightSlot.TryWriteAnswer(slot, verdicts), Is.True);

        var record = FlightSlot.Read(slot, Run)!;
        Assert.That((record.Phase, record.Mark), Is.EqualTo((FlightPhase.Answered, Note)));
        Assert.That(record.Verdicts, Is.EqualTo(verdicts));
    }

    [Test]
    public void TryWriteAnswer_MoreThanASlotHolds_LeavesItAsItWas()
    {
        var slot = Slot(FlightPhase.Out);
        var before = slot.ToArray();
        Assert.That(FlightSlot.TryWriteAnswer(slot, [new(0, "", Verdict.Accepted, 250, null, new('x', FlightSlot.Size))]), Is.False);
        Assert.That(slot, Is.EqualTo(before));
    }

    private static byte[] Answered(string reply)
    {
        var slot = Slot(FlightPhase.Out);
        Assert.That(FlightSlot.TryWriteAnswer(slot, [new(0, "", Verdict.Accepted, 250, null, reply)]), Is.True);
        return slot;
    }

    [Test]
    public void Read_AnyOctetOfTheMarkChanged_IsNothing([Range(0, 95)] int at)
    {
        var slot = Answered("ok");
        slot[at] ^= 0x40;
        Assert.That(FlightSlot.Read(slot, Run), Is.Null);
    }

    [Test]
    public void Read_AnyOctetOfTheAnswerChanged_IsAMarkThatHasGoneOut([Range(96, FlightSlot.Size - 1, 37)] int at)
    {
        var slot = Answered("ok");
        slot[at] ^= 0x40;
        var record = FlightSlot.Read(slot, Run)!;
        Assert.That((record.Phase, record.Mark, record.Verdicts.Count), Is.EqualTo((FlightPhase.Out, Note, 0)));
    }

    /// <summary>A power cut between the sectors of one write, in either order: the mark is on the disk, so it is never lost.</summary>
    [Test]
    public void Read_SectorsOfTwoWrites_NeverLosesTheMark([Values(512)] int sector, [Values] bool newFirst)
    {
        var (before, after) = (Slot(FlightPhase.Out), Answered(new('x', 900)));
        byte[] torn = newFirst ? [.. after[..sector], .. before[sector..]] : [.. before[..sector], .. after[sector..]];
        var record = FlightSlot.Read(torn, Run)!;
        Assert.That((record.Phase, record.Mark, record.Verdicts.Count), Is.EqualTo((FlightPhase.Out, Note, 0)));
    }

    [Test]
    public void Read_AnotherRun_IsNothing() =>
        Assert.That(FlightSlot.Read(Slot(FlightPhase.Out), RandomNumberGenerator.GetBytes(FlightSlot.RunSize)), Is.Null);

    [Test]
    public void Read_AnEmptySlot_IsNothing() =>
        Assert.That(FlightSlot.Read(new byte[FlightSlot.Size], new byte[FlightSlot.RunSize]), Is.Null);
}
