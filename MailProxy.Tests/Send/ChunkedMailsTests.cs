using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>Whole mails by BDAT, several unanswered: the first of a connection goes alone, the next three together.</summary>
internal sealed class ChunkedMailsTests
{
    private static readonly long[] Together = [2, 3, 4];

    [Test]
    public async Task Mails_InARow_AreTakenAsTheyAreAndEachIsAnswered()
    {
        await using var rig = Rig();
        await rig.PutAsync(1, 1, 2, 3, 4);

        foreach (var id in Together)
            Assert.That(Said(await rig.OutcomeAsync(id)), Is.EqualTo("accepted"), $"mail {id}");
        Assert.That(rig.Server.Taken, Has.Count.EqualTo(5));
        Assert.That(rig.Server.Commands.Count(static heard => heard.Line.StartsWith("BDAT", StringComparison.Ordinal)), Is.EqualTo(3));
        Assert.That(
            rig.Server.Taken.Where(static mail => mail.Recipients.Count > 0).Select(static mail => mail.Text[^9..]).Distinct(),
            Has.Exactly(1).Items,
            "by BDAT and by DATA alike"
        );
    }

    /// <summary>What the server says once of the third, and the verdicts of the second, the third and the fourth.</summary>
    [TestCase("MAIL", "550 5.7.1 no", "accepted refused accepted")]
    [TestCase("MAIL", "450 4.2.1 later", "accepted deferred accepted")]
    [TestCase("MAIL", "421 4.3.2 leaving", "accepted account account")]
    [TestCase("RCPT", "550 5.1.1 who", "accepted refused accepted")]
    [TestCase("RCPT", "421 4.3.2 leaving", "accepted account account")]
    [TestCase("DOT", "554 5.7.1 spam", "accepted refused accepted")]
    [TestCase("DOT", "452 4.3.1 full", "accepted deferred accepted")]
    [TestCase("DOT", "421 4.3.2 leaving", "accepted account account")]
    [TestCase("DOT", "close", "accepted in_doubt in_doubt")]
    [TestCase("MAIL", "close", "accepted in_doubt in_doubt")]
    [TestCase("MAIL", "354 go", "accepted in_doubt in_doubt")]
    [TestCase("DOT", "garbage", "accepted in_doubt in_doubt")]
    public async Task Reply_ToOneOfThem_IsItsVerdictAndTheOthersKeepTheirs(string verb, string reply, string verdicts)
    {
        await using var rig = Rig(heard =>
            heard.Verb == verb && (verb == "MAIL" ? heard.Line : heard.Mail.Sender).Contains(PipeliningRig.SenderOf(3)) ? Odd(reply) : null
        );
        await rig.PutAsync(1, 1, 2, 3, 4);

        var said = new List<string>();
        foreach (var id in Together)
            said.Add(Said(await rig.OutcomeAsync(id)));

        Assert.That(string.Join(' ', said), Is.EqualTo(verdicts));
        foreach (var (id, outcome) in Together.Zip(said))
        {
            var taken = rig.Server.Taken.Count(mail => mail.Sender == PipeliningRig.SenderOf(id) && mail.Accepted.Count > 0);
            Assert.That(taken, outcome == "in_doubt" ? Is.LessThan(2) : Is.EqualTo(outcome == "accepted" ? 1 : 0), $"mail {id}");
            Assert.That((rig.Rig.Permits[id].Spent, rig.Rig.Permits[id].Disposed), Is.EqualTo((1, true)));
        }
    }

    [Test]
    public async Task Mark_OfTheNextOneIsLate_WhatWasLetGoBeforeGoesOut()
    {
        var late = new TaskCompletionSource<bool>();
        await using var rig = Rig();
        rig.MarkLate(3, late.Task);
        await rig.PutAsync(1, 1, 2, 3, 4);

        await rig.Server.Seen("DOT", 3); // that of the other account among them
        Assert.That(late.Task.IsCompleted, Is.False);
        late.SetResult(true);
        foreach (var id in Together)
            Assert.That(Said(await rig.OutcomeAsync(id)), Is.EqualTo("accepted"), $"mail {id}");
    }

    [Test]
    public async Task Server_OffersNoChunking_MailGoesByData()
    {
        await using var rig = new PipeliningRig(change: static account => account with { Chunking = 16 });
        await rig.PutAsync(1, 1, 2, 3);

        Assert.That(Said(await rig.OutcomeAsync(3)), Is.EqualTo("accepted"));
        Assert.That(rig.Server.Commands, Has.None.Matches<Heard>(static heard => heard.Line.StartsWith("BDAT", StringComparison.Ordinal)));
    }

    [Test]
    public async Task Stop_SomeAreOut_TheyGetTheirVerdictsAndTheRestStaysInTheQueue()
    {
        var stopped = new TaskCompletionSource();
        await using var rig = Rig(
            most: 2,
            wait: heard => heard.Line.StartsWith("BDAT", StringComparison.Ordinal) ? stopped.Task : Task.CompletedTask
        );
        await rig.PutAsync(1, 1, 2, 3, 4);
        await rig.Server.Seen("DOT", 3);

        await rig.Rig.StopAsync();
        stopped.SetResult();

        Assert.That(Said(await rig.OutcomeAsync(2)), Is.EqualTo("accepted"));
        Assert.That(Said(await rig.OutcomeAsync(3)), Is.EqualTo("accepted"), "it had gone out");
        Assert.That(await rig.OutcomeAsync(4), Is.TypeOf<Outcome.Dropped>());
        Assert.That(rig.Rig.Permits[4].Spent, Is.Zero);
    }

    private static PipeliningRig Rig(Func<Heard, Said?>? say = null, int most = 16, Func<Heard, Task>? wait = null)
    {
        var rig = new PipeliningRig(say, account => account with { Chunking = most }, wait);
        rig.Server.Extensions.Add("CHUNKING");
        return rig;
    }

    private static Said Odd(string reply) =>
        reply switch
        {
            "close" => new("", SaidThen.Close),
            "garbage" => new("what?\r\n"),
            _ when reply.StartsWith("421", StringComparison.Ordinal) => new(reply + "\r\n", SaidThen.Close),
            _ => new(reply + "\r\n"),
        };

    private static string Said(Outcome outcome) =>
        outcome switch
        {
            Outcome.AccountToBlame => "account",
            Outcome.Attempted { Verdicts: [{ Verdict: Verdict.InDoubt }] } => "in_doubt",
            Outcome.Attempted { Verdicts: [{ Verdict: var verdict }] } => verdict.ToString().ToLowerInvariant(),
            _ => outcome.GetType().Name,
        };
}
