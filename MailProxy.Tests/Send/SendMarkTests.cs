using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>The marks of the attempts: what must stand on the disk before what goes out.</summary>
internal sealed class SendMarkTests
{
    private ScriptedSmtpServer _server = null!;

    [SetUp]
    public void SetUp() => _server = new();

    [TearDown]
    public async Task TearDown() => await _server.DisposeAsync();

    [Test]
    public async Task Mails_ManyOnOneConnection_EachEndsBeforeTheNextBodyBegins()
    {
        await using var rig = new SendRig(Account() with { MaxConnections = 1 });

        for (var id = 1; id <= 20; id++)
            await rig.PutAsync(id);
        for (var id = 1; id <= 20; id++)
            await rig.OutcomeAsync(id);

        Assert.That(_server.Connections, Is.EqualTo(1));
        Assert.That(rig.Items, Has.All.TypeOf<Outcome.Attempted>());
        var steps = rig.Marks.Steps.Where(static step => !step.StartsWith("mark", StringComparison.Ordinal)).ToArray();
        for (var i = 0; i < steps.Length; i += 3)
        {
            var id = steps[i].Split(' ')[1];
            Assert.That(steps[i..(i + 3)], Is.EqualTo(new[] { $"begin {id}", $"out {id}", $"answered {id} Accepted" }));
        }
    }

    [Test]
    public async Task Mark_Pending_HoldsTheFinalDotBack()
    {
        var (mark, asked) = (new TaskCompletionSource<bool>(), new TaskCompletionSource());
        await using var rig = new SendRig(
            Account(),
            mark: _ =>
            {
                asked.TrySetResult();
                return mark.Task;
            }
        );
        await rig.PutAsync(1);

        await _server.Seen("DATA");
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.That(_server.Mails, Is.Empty);
        Assert.That(rig.Items, Is.Empty);
        Assert.That(rig.Marks.Steps, Has.None.StartsWith("out"));
        mark.SetResult(true);

        Assert.That(await rig.OutcomeAsync(1), Is.TypeOf<Outcome.Attempted>());
        Assert.That(_server.Mails, Has.Count.EqualTo(1));
        Assert.That(rig.Marks.Steps, Has.One.EqualTo("out 1"));
    }

    [Test]
    public async Task Mark_Stale_DeliversNothingAndDrops()
    {
        await using var rig = new SendRig(Account(), mark: static _ => Task.FromResult(false));

        Assert.That(await rig.SendAsync(), Is.TypeOf<Outcome.Dropped>());
        await rig.DrainAsync();
        await _server.Seen("GONE");
        Assert.That(_server.Mails, Is.Empty);
        Assert.That(rig.Permits[1].Disposed, Is.True);
    }

    [Test]
    public async Task Mark_CannotBeWritten_DeliversNothingAndPostpones()
    {
        await using var rig = new SendRig(
            Account(),
            mark: static _ => Task.FromException<bool>(new StoreUnavailableException("disk full"))
        );

        Assert.That(await rig.SendAsync(), Is.TypeOf<Outcome.Postponed>().With.Property("Reason").Contains("disk full"));
        Assert.That(_server.Mails, Is.Empty);
    }

    [Test]
    public async Task Mark_StaleThoughTheServerRefusedAll_StillDrops()
    {
        _server.Say("RCPT", "550 5.1.1 who");
        await using var rig = new SendRig(Account());
        rig.Marks.Beginning = static _ => false;

        Assert.That(await rig.SendAsync(), Is.TypeOf<Outcome.Dropped>());
        Assert.That((rig.Permits[1].Spent, rig.Items.Single().Mark), Is.EqualTo((0, (Mark?)null)));
    }

    [Test]
    public async Task Begin_TheTicketWasWithdrawn_NothingOfTheBodyGoesOutAndNothingIsSpent()
    {
        await using var rig = new SendRig(Account());
        rig.Marks.Beginning = static _ => false;

        Assert.That(await rig.SendAsync(), Is.TypeOf<Outcome.Dropped>().And.Property("Mark").Null);
        await rig.DrainAsync();
        await _server.Seen("GONE");
        Assert.That(_server.Mails, Is.Empty);
        Assert.That(_server.Journal, Has.None.Contains("BODY"));
        Assert.That((rig.Permits[1].Spent, rig.Permits[1].Disposed), Is.EqualTo((0, true)));
        Assert.That(rig.Marks.Steps, Has.None.StartsWith("out"));
    }

    [Test]
    public async Task Out_CannotBeNoted_DeliversNothingAndPostpones()
    {
        await using var rig = new SendRig(Account());
        rig.Marks.GoingOut = static _ => throw new StoreUnavailableException("disk full");

        Assert.That(await rig.SendAsync(), Is.TypeOf<Outcome.Postponed>().With.Property("Reason").Contains("disk full"));
        await _server.Seen("GONE");
        Assert.That(_server.Mails, Is.Empty);
    }

    [TestCase(0, "answered 1 Accepted", "mark 2")]
    [TestCase(2, "mark 2", "answered 1 Accepted")]
    public async Task Mark_WhileTheConnectionIsBusy_IsAskedForAhead(int ahead, string first, string second)
    {
        var (one, two) = (new TaskCompletionSource<bool>(), new TaskCompletionSource());
        await using var rig = new SendRig(
            Account() with
            {
                MaxConnections = 1,
            },
            new() { MarksAhead = ahead },
            mark =>
            {
                if (mark.Ticket.Id == 1)
                    return one.Task;
                two.TrySetResult();
                return Task.FromResult(true);
            }
        );
        rig.Permits[1] = rig.Permits[2] = new() { Free = true };
        await rig.PutAsync(1);
        await _server.Seen("DATA");
        await rig.PutAsync(2);
        if (ahead > 0)
            await two.Task.WaitAsync(TimeSpan.FromSeconds(30));
        one.SetResult(true);

        await rig.OutcomeAsync(2);

        Assert.That(rig.Marks.Steps.Where(step => step == first || step == second), Is.EqualTo(new[] { first, second }));
        Assert.That(rig.Marks.Steps, Has.One.EqualTo("mark 2"));
    }

    private SmtpAccount Account() => Sample.Account(_server.Port);
}
