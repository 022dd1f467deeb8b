using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>What a pool's lane remembers of mail that was passed over.</summary>
internal sealed class PassedNotesTests
{
    private static QueuedMail Noted(long id, long until) => Ticket(id, A) with { Passed = new(new(1), [(new(1), until)], 1) };

    [Test]
    public void With_ReadAgain_KnowsWhatWasKnown_UntilItLeavesOrChanges()
    {
        var notes = new PassedNotes();
        notes.Keep(Noted(1, 100), 0);
        notes.Keep(Ticket(2, A), 0);

        Assert.That(notes.With(Ticket(1, A)).Passed, Is.Not.Null);
        Assert.That(notes.With(Ticket(2, A)).Passed, Is.Null);
        Assert.That(notes.With(Ticket(1, A) with { Attempt = 1 }).Passed, Is.Null, "it was tried, or changed");
        notes.Forget(Ticket(1, A));
        Assert.That(notes.With(Ticket(1, A)).Passed, Is.Null);
    }

    [Test]
    public void Keep_AsManyAsMayBe_ThoseThatAreOverGoFirst()
    {
        var notes = new PassedNotes();
        for (var id = 1; id <= 2_000; id++)
            notes.Keep(Noted(id, id <= 500 ? 10 : 1_000), 0);
        int Kept() => Enumerable.Range(1, 3_000).Count(id => notes.With(Ticket(id, A)).Passed is not null);
        Assert.That(Kept(), Is.EqualTo(1_024));

        notes.Keep(Noted(3_000, 1_000), 100);

        Assert.That((Kept(), notes.With(Ticket(3_000, A)).Passed is not null), Is.EqualTo((525, true)));
    }
}
