using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite.Flight;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite.Flight;

/// <summary>Who comes first, the attempt or the change: at each step of the one and of the other.</summary>
public sealed class ClaimsTests
{
    private static readonly QueuedMail Ticket = new(7, 1, new LaneKey(1), Priority.Medium, 0, 0, 1);

    private DirectoryInfo _directory = null!;
    private FlightLog _log = null!;
    private Claims _claims = null!;

    [SetUp]
    public void Open()
    {
        _directory = Directory.CreateTempSubdirectory("mailproxy-flight-");
        var run = new byte[FlightSlot.RunSize];
        _log = new(FlightFile.Make(Path.Combine(_directory.FullName, "flight"), new(run, run, "boot"), []), run, [], NullLogger.Instance);
        _claims = new(_log);
    }

    [TearDown]
    public void Close()
    {
        _log.Dispose();
        _directory.Delete(recursive: true);
    }

    private bool TryWithdraw() => _claims.TryWithdraw(Ticket.Id, Ticket.Revision, Ticket.Attempt);

    private bool TryAdd() => _claims.TryAdd(Ticket);

    private Task<bool> MarkAsync() => _claims.MarkAsync(new(Ticket, 1, PermitCounts.None, 1000)).WaitAsync(TimeSpan.FromSeconds(30));

    [Test]
    public async Task Attempt_StepByStep_IsKnownAtEachOfThem()
    {
        Assert.That((TryAdd(), TryAdd()), Is.EqualTo((true, false)));
        Assert.That(await MarkAsync(), Is.True);
        Assert.That(_claims.HasBegun(7, 1, 0), Is.False);
        Assert.That((_claims.TryBegin(Ticket), _claims.TryBegin(Ticket)), Is.EqualTo((true, false)));
        Assert.That((_claims.HasBegun(7, 1, 0), _claims.HasBegun(7, 1, 1)), Is.EqualTo((true, false)));
        Assert.That(_claims.Begun(null!), Is.EqualTo(new[] { new TicketName(7, 1, 0) }));

        _claims.Out(Ticket, 1234);
        _claims.Answered(Ticket, [new(0, "", Verdict.Accepted, 250, null, "ok")]);
        Assert.That(_log.Read(_log.Used().Single()).Phase, Is.EqualTo(FlightPhase.Answered));
        _claims.Remove(Ticket);
        Assert.That((_log.Count, _claims.Begun(null!).Count, TryAdd()), Is.EqualTo((0, 0, true)));
    }

    [Test]
    public async Task Change_BeforeTheBody_Wins([Values] bool marked)
    {
        TryAdd();
        if (marked)
            await MarkAsync();

        Assert.That(TryWithdraw(), Is.True);
        Assert.That((_claims.TryBegin(Ticket), await MarkAsync()), Is.EqualTo((false, false)));
    }

    [Test]
    public void Change_AfterTheBodyBegan_IsRefused()
    {
        TryAdd();
        _claims.TryBegin(Ticket);
        Assert.That(TryWithdraw(), Is.False);
        Assert.That(_claims.HasBegun(7, 1, 0), Is.True);
    }

    [Test]
    public void Change_UnderWay_NobodyClaimsTheTicketFromAnOlderSnapshot()
    {
        Assert.That(TryWithdraw(), Is.True);
        Assert.That(TryAdd(), Is.False);
        _claims.ChangesOver();
        Assert.That(TryAdd(), Is.True, "after a rollback it is as it was");
    }

    [Test]
    public void Change_Over_TheHolderStillGivesTheTicketBack()
    {
        TryAdd();
        TryWithdraw();
        _claims.ChangesOver();
        Assert.That((TryAdd(), _claims.TryBegin(Ticket)), Is.EqualTo((false, false)));
        _claims.Remove(Ticket);
        Assert.That(TryAdd(), Is.True);
    }

    [Test]
    public void Change_UnderWay_TheHolderGivesBackAndTheTicketStaysClosed()
    {
        TryAdd();
        TryWithdraw();
        _claims.Remove(Ticket);
        Assert.That(TryAdd(), Is.False);
        _claims.ChangesOver();
        Assert.That(TryAdd(), Is.True);
    }

    [Test]
    public async Task Remove_MarkedAndNeverSent_LeavesNoMarkBehind()
    {
        TryAdd();
        await MarkAsync();
        _claims.Remove(Ticket);
        Assert.That(new Claims(_log).Recover(), Is.Empty);
        Assert.That(_log.Count, Is.Zero);
    }

    [Test]
    public async Task Recover_KeepsWhatHasGoneOut_AndEndsTheOthers()
    {
        var marked = Ticket with { Id = 8 };
        TryAdd();
        _claims.TryAdd(Ticket with { Id = 8, Revision = 1, Attempt = 0 });
        _claims.TryAdd(Ticket with { Id = 9, Revision = 1, Attempt = 0 });
        await MarkAsync();
        await _claims.MarkAsync(new(marked, 1, PermitCounts.None, 0)).WaitAsync(TimeSpan.FromSeconds(30));
        _claims.TryBegin(Ticket);
        _claims.Out(Ticket, 1234);

        Assert.That(_claims.Recover().Select(record => (record.Ticket.Id, record.Phase)), Is.EqualTo(new[] { (7L, FlightPhase.Out) }));
        Assert.That(new[] { 7, 8, 9 }.Select(id => _claims.Contains(id, 1, 0, out _)), Is.EqualTo(new[] { true, false, false }));
        Assert.That(_log.Count, Is.EqualTo(1));
    }

    [Test]
    public void Out_WithoutAMark_IsAMistake()
    {
        TryAdd();
        _claims.TryBegin(Ticket);
        Assert.That(() => _claims.Out(Ticket, 0), Throws.InvalidOperationException);
    }

    [Test]
    public void Contains_OnlyBeingChanged_SaysSoUntilTheTurnEnds()
    {
        Assert.That(_claims.TryWithdraw(8, 1, 0), Is.True);
        Assert.That((_claims.Contains(8, 1, 0, out var isChanging), isChanging), Is.EqualTo((true, true)));
        TryAdd();
        Assert.That((_claims.Contains(7, 1, 0, out isChanging), isChanging), Is.EqualTo((true, false)));
        _claims.ChangesOver();
        Assert.That(_claims.Contains(8, 1, 0, out _), Is.False);
    }

    [Test]
    public void New_TwoSlotsOfOneTicket_KeepsTheOneThatGotFurtherAndFreesTheOther()
    {
        var mark = new Mark(Ticket, 1, PermitCounts.None, 0);
        var (first, second) = (_log.Mark(mark).Slot, _log.Mark(mark).Slot);
        _log.Out(second, 5);
        var claims = new Claims(_log);
        Assert.That(_log.Used(), Is.EqualTo(new[] { second }).And.Not.Contains(first));
        Assert.That(claims.Recover().Single().Phase, Is.EqualTo(FlightPhase.Out));
    }
}
