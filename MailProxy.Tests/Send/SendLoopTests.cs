using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>Loops that keep their connection from mail to mail, and when they give it back.</summary>
internal sealed class SendLoopTests
{
    private ScriptedSmtpServer _server = null!;

    [SetUp]
    public void SetUp() => _server = new();

    [TearDown]
    public async Task TearDown() => await _server.DisposeAsync();

    [Test]
    public async Task Server_BearsFewerConnections_TheMailThatWaitsForOneIsPassedByOnlyAFewOthers()
    {
        _server.Places = 1;
        await using var rig = new SendRig(Sample.Account(_server.Port) with { MaxConnections = 2, Pipelining = SmtpPipelining.Envelope });
        await FillAsync(rig, 40);

        await rig.DrainAsync();

        // Each of the two loops had one in hand when the second was turned away.
        var order = rig.Items.Select(static outcome => outcome.Ticket.Id).ToList();
        Assert.That(order, Has.Count.EqualTo(40));
        Assert.That(rig.Items, Has.All.TypeOf<Outcome.Attempted>());
        for (var id = 1; id <= 40; id++)
            Assert.That(order.IndexOf(id), Is.LessThan(id + 20), $"mail {id}");
    }

    [Test]
    public async Task Account_Changes_TheMailsBehindGoOverANewConnection()
    {
        var answered = new TaskCompletionSource<bool>();
        var account = Sample.Account(_server.Port) with { MaxConnections = 1 };
        await using var rig = new SendRig(account, mark: mark => mark.Ticket.Id == 1 ? answered.Task : Task.FromResult(true));
        await FillAsync(rig, 3);
        await _server.Seen("DATA");

        rig.Accounts.Swap(new([account with { Version = 2 }], null));
        answered.SetResult(true);
        await rig.DrainAsync();

        Assert.That(
            _server.Taken.OrderBy(static mail => mail.Sender).Select(static mail => mail.Connection),
            Is.EqualTo(new[] { 1, 2, 2 })
        );
    }

    [Test]
    public async Task Account_IsDeletedWhileMailWaits_ItIsStillAnswered()
    {
        var answered = new TaskCompletionSource<bool>();
        await using var rig = new SendRig(
            Sample.Account(_server.Port) with
            {
                MaxConnections = 1,
            },
            mark: mark => mark.Ticket.Id == 1 ? answered.Task : Task.FromResult(true)
        );
        await FillAsync(rig, 3);
        await _server.Seen("DATA");

        rig.Accounts.Swap(AccountDirectory.Empty);
        answered.SetResult(true);
        await rig.DrainAsync();

        Assert.That(rig.Items, Has.Count.EqualTo(3));
        Assert.That(rig.Permits.Values.Select(static permit => permit.Disposed), Has.All.True);
    }

    [Test]
    public async Task Connection_HasCarriedItsMessages_IsReplacedAlsoWhenTheNextIsKnown()
    {
        await using var rig = new SendRig(Sample.Account(_server.Port) with { MaxConnections = 1, MaxMessagesPerConnection = 3 });
        await FillAsync(rig, 9);

        await rig.DrainAsync();

        Assert.That(_server.Taken.GroupBy(static mail => mail.Connection).Select(static its => its.Count()), Has.All.EqualTo(3));
        Assert.That(rig.Items, Has.Count.EqualTo(9));
    }

    [Test]
    public async Task Report_IsClosed_TheStageFaultsAndWhatWaitsIsGivenBack()
    {
        var answered = new TaskCompletionSource<bool>();
        await using var rig = new SendRig(
            Sample.Account(_server.Port) with
            {
                MaxConnections = 1,
            },
            mark: mark => mark.Ticket.Id == 1 ? answered.Task : Task.FromResult(true)
        );
        rig.CloseReport();
        rig.Permits[6] = new() { Free = true };
        await FillAsync(rig, 6);

        // Its mark is asked for when it arrives: then the others are in the line.
        await Eventually.BecomesAsync(() => Task.FromResult(rig.Marks.Steps.Contains("mark 6")), static isThere => isThere);
        answered.SetResult(true);

        Assert.That(async () => await rig.DrainAsync(), Throws.InstanceOf<System.Threading.Channels.ChannelClosedException>());
        for (var id = 1; id <= 5; id++)
            Assert.That((rig.Permits[id].Disposed, rig.Charges[id].Disposed), Is.EqualTo((true, true)), $"mail {id}");
    }

    private static async Task FillAsync(SendRig rig, int count)
    {
        for (var id = 1; id <= count; id++)
            await rig.PutAsync(id, Sample.Content(sender: PipeliningRig.SenderOf(id)));
    }
}
