using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>The envelope of a mail in one write with the end of the mail before: each reply at each step.</summary>
internal sealed class PipeliningTests
{
    private static readonly string[] Steps = ["A.DOT", "B.MAIL", "B.RCPT", "B.DATA", "B.DOT"];

    private static readonly string[] Replies =
    [
        "200 yes",
        "354 go",
        "450 4.2.1 later",
        "550 5.7.1 no",
        "503 5.5.1 out of order",
        "421 4.3.2 leaving",
        "close",
        "reset",
        "garbage",
        "extra",
        "missing",
    ];

    private static readonly string[] Verbs = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT", "RSET", "QUIT"];

    private static IEnumerable<TestCaseData> Cells =>
        from step in Steps
        from reply in Replies
        from proven in new[] { false, true }
        select new TestCaseData(step, reply, proven).SetArgDisplayNames($"{step} {reply}", proven ? "proven" : "first");

    /// <summary>The server does it once; whatever goes again is answered as usual.</summary>
    [TestCaseSource(nameof(Cells))]
    public async Task Reply_AtAStep_IsTheVerdictOfItsMailAndNoOther(string step, string reply, bool proven)
    {
        var (a, b) = proven ? (4L, 5L) : (2L, 3L);
        var odd = 0;
        var isOver = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var rig = new PipeliningRig(heard =>
        {
            if (!IsStep(heard, step, a, b) || Interlocked.Exchange(ref odd, 1) != 0)
                return null;
            isOver.SetResult();
            return Odd(step, reply);
        });
        await rig.PutAsync(a, [.. Enumerable.Range(1, (int)b).Select(static id => (long)id)]);
        if (reply == "missing" && step is ("B.DATA" or "B.DOT"))
        {
            await isOver.Task;
            await rig.PassTimeAsync();
        }

        var outcomes = (Said(await rig.OutcomeAsync(a)), Said(await rig.OutcomeAsync(b)));
        await rig.Rig.DrainAsync();

        Assert.That(outcomes, Is.EqualTo(Expected(step, reply, proven)));
        Assert.That(
            rig.Server.Commands.Select(static heard => heard.Verb).Distinct(),
            Is.SubsetOf(Verbs),
            "no octet of a body before its 354"
        );
        foreach (var (id, outcome) in new[] { (a, outcomes.Item1), (b, outcomes.Item2) })
        {
            var taken = rig.Server.Taken.Count(mail => mail.Sender == PipeliningRig.SenderOf(id) && mail.Data.Length > 0);

            // A server that counts and then leaves out the reply to a dot is believed: its next reply is taken for it.
            var isUnknown = outcome == "in doubt" || (step[0] == 'A' && id == a && reply == "missing");
            Assert.That(taken, isUnknown ? Is.LessThan(2) : Is.EqualTo(outcome == "accepted" ? 1 : 0), $"mail {id}");
            Assert.That((rig.Rig.Permits[id].Disposed, rig.Rig.Charges[id].Disposed), Is.EqualTo((true, true)));
            Assert.That(rig.Rig.Items.Count(item => item.Ticket.Id == id), Is.EqualTo(1));
        }
    }

    /// <summary>What a server says to every one that it gets.</summary>
    [TestCase("B.MAIL", "550 5.7.1 no", "refused")]
    [TestCase("B.MAIL", "450 4.2.1 later", "deferred")]
    [TestCase("B.RCPT", "550 5.1.1 who", "refused")]
    [TestCase("B.DATA", "554 5.5.1 no", "refused")]
    [TestCase("A.DOT", "550 5.7.1 spam", "accepted")]
    public async Task Refusal_ThatStaysTheSameAlone_IsBelievedAndNextStaysOn(string step, string reply, string ofB)
    {
        await using var rig = new PipeliningRig(heard => IsStep(heard, step, 2, 3) ? reply : null);
        await rig.PutAsync(2, 1, 2, 3);

        Assert.That(Said(await rig.OutcomeAsync(3)), Is.EqualTo(ofB));
        Assert.That(Said(await rig.OutcomeAsync(2)), Is.EqualTo(step == "A.DOT" ? "refused" : "accepted"));
        Assert.That(rig.Now, Is.EqualTo(SmtpPipelining.Next));
    }

    [Test]
    public async Task Server_RefusesWhateverComesBehindTheDot_IsTurnedOffForADayAndEveryMailIsTaken()
    {
        // As Haraka does: each command that came in the same segment is refused, and the connection goes on.
        var last = 0;
        await using var rig = new PipeliningRig(heard =>
            heard.Verb switch
            {
                "DOT" => Answer(() => Volatile.Write(ref last, 3)),
                "MAIL" or "RCPT" or "DATA" when heard.Mail.Sender == PipeliningRig.SenderOf(3) && Interlocked.Decrement(ref last) >= 0 =>
                    "503 5.5.1 pipelined after end of DATA",
                _ => null,
            }
        );
        await rig.PutAsync(2, 1, 2, 3, 4, 5);

        foreach (var id in new long[] { 1, 2, 3, 4, 5 })
            Assert.That(Said(await rig.OutcomeAsync(id)), Is.EqualTo("accepted"), $"mail {id}");
        var state = rig.Rig.Pool.PipeliningOf(rig.Rig.Account);
        Assert.That(
            (state.Now, state.Why),
            Is.EqualTo((SmtpPipelining.Envelope, "the server refuses commands that come with the end of a message"))
        );
        Assert.That(rig.Rig.Metrics.PipeliningStopped.WithLabels("refused").Value, Is.EqualTo(1));

        rig.Clock.Advance(TimeSpan.FromHours(25));
        Assert.That(rig.Now, Is.EqualTo(SmtpPipelining.Next));
    }

    [TestCase(SmtpPipelining.Next, true)]
    [TestCase(SmtpPipelining.Envelope, false)]
    [TestCase(SmtpPipelining.Off, false)]
    public async Task NextMail_AsTheAccountIsSet_BeginsBeforeTheReplyToTheLastOrNot(SmtpPipelining set, bool isAhead)
    {
        await using var rig = new PipeliningRig(
            heard => heard.Verb == "DOT" && heard.Mail.Sender == PipeliningRig.SenderOf(2) ? new Said("", SaidThen.Close) : null,
            account => account with { Pipelining = set }
        );
        await rig.PutAsync(2, 1, 2, 3);

        Assert.That(Said(await rig.OutcomeAsync(2)), Is.EqualTo("in doubt"), "nobody answered");
        Assert.That(Said(await rig.OutcomeAsync(3)), Is.EqualTo("accepted"));
        Assert.That(
            rig.Now,
            Is.EqualTo(isAhead ? SmtpPipelining.Envelope : set),
            "lost at the dot with an envelope behind, and not without"
        );
    }

    [Test]
    public async Task Stop_EnvelopeOfTheNextIsOut_ItStaysInTheQueueAndNothingOfItIsSent()
    {
        var stopped = new TaskCompletionSource();
        await using var server = new ScriptedSmtpServer(async heard =>
        {
            if (heard.Verb == "DOT" && heard.Mail.Sender == PipeliningRig.SenderOf(2))
                await stopped.Task;
            return null;
        });
        var marked = new TaskCompletionSource<bool>();
        await using var rig = new SendRig(
            Sample.Account(server.Port) with
            {
                MaxConnections = 1,
            },
            mark: mark => mark.Ticket.Id == 2 ? marked.Task : Task.FromResult(true)
        );
        foreach (var id in new long[] { 1, 2, 3 })
            await rig.PutAsync(id, Sample.Content(sender: PipeliningRig.SenderOf(id)));
        await rig.PutAsync(99, Sample.Content(), rig.Account with { Key = new(8), Id = "other" });
        await rig.OutcomeAsync(99);
        marked.SetResult(true);
        await server.Seen("DOT", 3);

        await rig.StopAsync();
        stopped.SetResult();

        Assert.That(Said(await rig.OutcomeAsync(2)), Is.EqualTo("accepted"));
        Assert.That(await rig.OutcomeAsync(3), Is.TypeOf<Outcome.Dropped>());
        Assert.That((rig.Permits[3].Spent, rig.Permits[3].Disposed, rig.Marks.Steps.Contains("begin 3")), Is.EqualTo((0, true, false)));
        await rig.DrainAsync();
        await server.Seen("GONE");
        Assert.That(server.Commands.Select(static heard => heard.Verb).Distinct(), Is.SubsetOf(Verbs));
    }

    private static Said? Answer(Action act)
    {
        act();
        return null;
    }

    private static bool IsStep(Heard heard, string step, long a, long b)
    {
        var (whose, verb) = (step[0] == 'A' ? a : b, step[2..]);
        return heard.Verb == verb
            && (verb == "MAIL" ? heard.Line.Contains(PipeliningRig.SenderOf(whose)) : heard.Mail.Sender == PipeliningRig.SenderOf(whose));
    }

    private static Said Odd(string step, string reply)
    {
        var usual = step.EndsWith("DATA", StringComparison.Ordinal) ? "354 go\r\n" : "250 2.0.0 ok\r\n";
        return reply switch
        {
            "close" => new("", SaidThen.Close),
            "reset" => new("", SaidThen.Reset),
            "garbage" => new("what?\r\n"),
            "extra" => new(usual + usual),
            "missing" => new(""),
            _ when reply.StartsWith("421", StringComparison.Ordinal) => new(reply + "\r\n", SaidThen.Close),
            _ => new(reply + "\r\n"),
        };
    }

    private static string Said(Outcome outcome) =>
        outcome switch
        {
            Outcome.AccountToBlame => "account",
            Outcome.Attempted { Verdicts: [{ Verdict: var verdict }] } => verdict switch
            {
                Verdict.InDoubt => "in doubt",
                _ => verdict.ToString().ToLowerInvariant(),
            },
            _ => outcome.GetType().Name,
        };

    // Where it is not "accepted" for both.
    private static (string A, string B) Expected(string step, string reply, bool proven) =>
        (step, reply.Split(' ')[0], proven) switch
        {
            ("A.DOT", "354" or "close" or "reset" or "garbage", _) => ("in doubt", "accepted"),
            ("A.DOT", "450", true) => ("deferred", "accepted"),
            ("A.DOT", "550" or "503", true) => ("refused", "accepted"),
            ("A.DOT", "421", true) => ("account", "accepted"),

            // One reply too few, and until the server is known it may be that of A.
            ("A.DOT" or "B.MAIL" or "B.RCPT", "missing", false) => ("in doubt", "accepted"),
            ("B.MAIL" or "B.RCPT", "354", false) => ("in doubt", "accepted"),

            ("B.MAIL", "450", true) => ("accepted", "deferred"),
            ("B.RCPT", "450", true) => ("accepted", "deferred"),
            ("B.RCPT", "550" or "503", true) => ("accepted", "refused"),
            ("B.RCPT", "421" or "close" or "reset", true) => ("accepted", "account"),
            ("B.DATA", "450", true) => ("accepted", "deferred"),
            ("B.DATA", "550" or "503", true) => ("accepted", "refused"),
            ("B.DATA", "421", true) => ("accepted", "account"),
            ("B.DATA", "close" or "reset" or "missing", true) => ("accepted", "deferred"),
            ("B.DATA", "extra", _) => ("accepted", "deferred"),

            // By then it is a mail like any other.
            ("B.DOT", "354" or "close" or "reset" or "garbage" or "missing", _) => ("accepted", "in doubt"),
            ("B.DOT", "450", _) => ("accepted", "deferred"),
            ("B.DOT", "550" or "503", _) => ("accepted", "refused"),
            ("B.DOT", "421", _) => ("accepted", "account"),
            _ => ("accepted", "accepted"),
        };
}
