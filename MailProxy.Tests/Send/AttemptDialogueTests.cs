using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>What is kept of what was said: of each mail its own lines, bounded, and nothing of a mail that was simply sent.</summary>
internal sealed class AttemptDialogueTests
{
    private static readonly string[] Whole =
    [
        "S: 220 scripted ESMTP",
        "C: EHLO me.example",
        "S: 250-scripted",
        "S: 250-PIPELINING",
        "S: 250-SIZE 50000000",
        "S: 250-8BITMIME",
        "S: 250-SMTPUTF8",
        "S: 250 ENHANCEDSTATUSCODES",
        "C: MAIL FROM:<a@x.example> SIZE={size}",
        "C: RCPT TO:<b@y.example>",
        "C: DATA",
        "S: 250 2.0.0 ok",
        "S: 250 2.0.0 ok",
        "S: 354 go",
        "C: ({size} octets)",
        "C: .",
        "S: 451-4.7.1 try again",
        "S: 451 4.7.1 in an hour",
    ];

    [Test]
    public async Task Sent_AtOnce_NothingIsKept()
    {
        await using var server = new ScriptedSmtpServer();
        await using var rig = new SendRig(Sample.Account(server.Port));
        Assert.That((await rig.SendAsync()).Attempt, Is.Null);
    }

    [Test]
    public async Task Deferred_OverANewConnection_IsTheWholeConversationInOrder()
    {
        await using var server = new ScriptedSmtpServer().Say("DOT", "451-4.7.1 try again\r\n451 4.7.1 in an hour");
        await using var rig = new SendRig(Sample.Account(server.Port), new() { HelloName = "me.example" });

        var attempt = Kept(await rig.SendAsync());

        var detail = attempt.Detail;
        Assert.That(
            (attempt.Number, attempt.Counts, detail.Outcome, detail.Server, detail.Address, detail.Tls, detail.Reused, detail.LeftOut),
            Is.EqualTo((1, true, "deferred", $"127.0.0.1:{server.Port}", $"127.0.0.1:{server.Port}", (string?)null, false, 0))
        );
        var size = server.Mails.Single().Data.Length.ToString();
        Assert.That(detail.Lines[0], Is.EqualTo(new DialogueLine(0, $"*: Connecting to 127.0.0.1:{server.Port}.")));
        Assert.That(detail.Lines.Skip(1).Select(static line => line.Line), Is.EqualTo(Whole.Select(line => line.Replace("{size}", size))));
        Assert.That(detail.Lines.Select(static line => line.Ms), Is.Ordered);
        Assert.That(attempt.EndedAt - attempt.BeganAt, Is.GreaterThanOrEqualTo(detail.Lines[^1].Ms));
    }

    [Test]
    public async Task Refused_OverAUsedConnectionWithoutPipelining_IsItsTransactionAlone()
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb == "EHLO" ? "250 plain"
            : heard.Line.Contains("nobody@", StringComparison.Ordinal) ? "550 5.1.1 who?"
            : null
        );
        await using var rig = new SendRig(Sample.Account(server.Port));
        await rig.SendAsync();

        var attempt = Kept(await rig.SendAsync(2, Sample.Content(recipients: "nobody@y.example")));

        Assert.That((attempt.Detail.Outcome, attempt.Detail.Reused), Is.EqualTo(("refused", true)));
        Assert.That(
            Lines(attempt),
            Is.EqualTo(new[] { "C: MAIL FROM:<a@x.example>", "S: 250 2.0.0 ok", "C: RCPT TO:<nobody@y.example>", "S: 550 5.1.1 who?" })
        );
    }

    /// <summary>The envelope of the fifth goes out with the end of the fourth, and the server refuses one of them.</summary>
    [TestCase("A.DOT", 4, "554 5.7.1 spam")]
    [TestCase("B.RCPT", 5, "550 5.1.1 who?")]
    [TestCase("B.DOT", 5, "554 5.7.1 spam")]
    public async Task Refused_NextToAMailInTheSameWrite_EachHasItsOwnLines(string step, long refused, string reply)
    {
        await using var rig = new PipeliningRig(heard =>
            heard.Verb == step[2..] && heard.Mail.Sender == PipeliningRig.SenderOf(step[0] == 'A' ? 4 : 5) ? reply : null
        );
        await rig.PutAsync(4, 1, 2, 3, 4, 5);
        var outcomes = new[] { await rig.OutcomeAsync(4), await rig.OutcomeAsync(5) };
        await rig.Rig.DrainAsync();

        var attempt = Kept(outcomes[refused - 4]);
        Assert.That(outcomes[5 - refused].Attempt, Is.Null, "the other was simply sent");
        Assert.That(
            Lines(attempt)[0],
            Is.EqualTo($"C: MAIL FROM:<{PipeliningRig.SenderOf(refused)}> SIZE={rig.Server.Taken.First().Data.Length}")
        );
        Assert.That(Lines(attempt).Count(static line => line.StartsWith("C: MAIL", StringComparison.Ordinal)), Is.EqualTo(1));
        Assert.That(Lines(attempt), Does.Contain($"S: {reply}"));
        Assert.That(
            Lines(attempt).Count(static line => line[0] == 'S'),
            Is.EqualTo(4),
            "the replies to MAIL, RCPT, DATA and the dot (after a refused RCPT the lone one), and no other's"
        );
    }

    [Test]
    public async Task Refused_AmongChunkedMails_HasItsOwnLinesAndTheirOctets()
    {
        await using var rig = new PipeliningRig(
            heard =>
                heard.Verb == "EHLO" ? "250-odd\r\n250-PIPELINING\r\n250 CHUNKING"
                : heard.Verb == "RCPT" && heard.Mail.Sender == PipeliningRig.SenderOf(3) ? "550 5.1.1 who?"
                : null,
            static account => account with { Chunking = 8, Pipelining = SmtpPipelining.Next }
        );
        await rig.PutAsync(1, 1, 2, 3, 4);
        var attempt = Kept(await rig.OutcomeAsync(3));

        Assert.That((await rig.OutcomeAsync(2)).Attempt ?? (await rig.OutcomeAsync(4)).Attempt, Is.Null);
        Assert.That(
            Lines(attempt).Select(static line => line.Split(" SIZE")[0]).Select(WithoutNumbers),
            Is.EqualTo(
                new[]
                {
                    "C: RSET",
                    "C: MAIL FROM:<m#@x.example>",
                    "C: RCPT TO:<b@y.example>",
                    "C: BDAT # LAST (# octets)",
                    "S: # #.#.# ok",
                    "S: # #.#.# ok",
                    "S: # #.#.# who?",
                    "S: # #.#.# for whom?",
                }
            )
        );
    }

    [Test]
    public async Task Connection_Refused_CostsNoAttemptAndTellsTheAddress()
    {
        var port = FreePort.Take();
        await using var rig = new SendRig(Sample.Account(port));

        var attempt = Kept(await rig.SendAsync());

        Assert.That((attempt.Counts, attempt.Detail.Outcome, attempt.Detail.Address), Is.EqualTo((false, "account", (string?)null)));
        Assert.That(Lines(attempt), Is.EqualTo(new[] { $"*: Connecting to 127.0.0.1:{port}.", "*: No connection: Connection refused" }));
        Assert.That(attempt.Detail.Error, Does.Contain($"127.0.0.1:{port}"));
    }

    [Test]
    public async Task Tls_ByStartTls_IsToldWithItsVersion()
    {
        await using var server = new ScriptedSmtpServer { StartTls = true }.Say("MAIL", "550 5.7.1 no");
        await using var rig = new SendRig(Sample.Account(server.Port, SmtpSecurity.StartTls) with { VerifyCertificate = false });

        var attempt = Kept(await rig.SendAsync());

        Assert.That(attempt.Detail.Tls, Does.StartWith("TLS 1."));
        Assert.That(Lines(attempt), Does.Contain("C: STARTTLS").And.Contain("S: 220 go").And.Contain($"*: {attempt.Detail.Tls} begins."));
    }

    [Test]
    public async Task Lost_InTheMiddle_TheLastLineSaysSo()
    {
        await using var server = new ScriptedSmtpServer().Say("DOT", ScriptedSmtpServer.Drop);
        await using var rig = new SendRig(Sample.Account(server.Port));

        var attempt = Kept(await rig.SendAsync());

        Assert.That((attempt.Detail.Outcome, attempt.Detail.Error), Is.EqualTo(("in_doubt", "The server closed the connection.")));
        Assert.That(Lines(attempt)[^2..], Is.EqualTo(new[] { "C: .", "*: The server closed the connection." }));
    }

    [Test]
    public async Task HungUp_BetweenTwoMails_TheSecondTryIsInTheSameAttempt()
    {
        await using var server = new ScriptedSmtpServer().Say("MAIL", "250 ok", "421 4.3.2 bye", "550 5.7.1 no");
        await using var rig = new SendRig(Sample.Account(server.Port));
        await rig.SendAsync();

        var attempt = Kept(await rig.SendAsync(2));

        Assert.That(Lines(attempt), Does.Contain("S: 421 4.3.2 bye").And.Contain("S: 550 5.7.1 no"));
        Assert.That(Lines(attempt).Count(static line => line.StartsWith("S: 220", StringComparison.Ordinal)), Is.EqualTo(1));
        Assert.That(attempt.Detail.Lines.Select(static line => line.Ms), Is.Ordered);
    }

    [TestCase(200, 8192)]
    [TestCase(2000, 8192)]
    [TestCase(40, 1024)]
    public async Task ManyRecipients_StayWithinTheirRoom_WithBeginningAndEnd(int count, int most)
    {
        await using var server = new ScriptedSmtpServer().Say("DOT", "554 5.7.1 spam");
        await using var rig = new SendRig(Sample.Account(server.Port) with { MaxRecipients = count }, new() { DialogueBytes = most });

        var attempt = Kept(
            await rig.SendAsync(1, Sample.Content(recipients: [.. Enumerable.Range(0, count).Select(static i => $"r{i}@y.example")]))
        );

        Assert.That(attempt.Detail.Lines.Sum(static line => line.Line.Length), Is.LessThan(most));
        Assert.That(attempt.Detail.LeftOut, Is.Positive);
        Assert.That(Lines(attempt)[0], Does.StartWith("*: Connecting"));
        Assert.That(Lines(attempt)[^1], Is.EqualTo("S: 554 5.7.1 spam"));
    }

    [TestCase("550 5.1.1 a\tb\a\u001b[31mc\u202ed", "550 5.1.1 a b [31mcd")]
    [TestCase("550 \ufffd\u00e9", "550 \ufffd\u00e9")]
    public async Task ServersText_OfEveryKind_IsMadeFitForOneLine(string said, string shown)
    {
        await using var server = new ScriptedSmtpServer().Say("RCPT", said);
        await using var rig = new SendRig(Sample.Account(server.Port));
        Assert.That(Lines(Kept(await rig.SendAsync())), Does.Contain($"S: {shown}"));
    }

    [Test]
    public async Task ServersText_WithoutEnd_TakesNoMoreThanItsRoom()
    {
        var huge = string.Join("\r\n", Enumerable.Repeat("550-" + new string('x', 900), 100)) + "\r\n550 end";
        await using var server = new ScriptedSmtpServer().Say("RCPT", huge);
        await using var rig = new SendRig(Sample.Account(server.Port));

        var attempt = Kept(await rig.SendAsync());

        Assert.That(attempt.Detail.Lines.Sum(static line => line.Line.Length), Is.LessThan(8192));
        Assert.That(attempt.Detail.Lines, Has.All.Matches<DialogueLine>(static line => line.Line.Length <= 515));
    }

    [Test]
    public void Transcript_OfAMailThatWasSent_IsTakenForTheNextOne()
    {
        using var clock = new PhaseClock(new(), TimeProvider.System);
        var dialogue = new SmtpDialogue(Stream.Null, clock);
        var first = dialogue.NewTranscript(SmtpOffers.None);
        first.Note("one");
        dialogue.Drop(first);

        var next = dialogue.NewTranscript(SmtpOffers.None);

        Assert.That((next, next.Head.Count(), next.Before), Is.EqualTo((first, 0, (Transcript?)null)));
        Assert.That(dialogue.NewTranscript(SmtpOffers.None), Is.Not.SameAs(next), "two mails under way have one each");
    }

    [Test]
    public async Task Dialogues_SetToNone_NothingIsKept()
    {
        await using var server = new ScriptedSmtpServer().Say("MAIL", "550 5.7.1 no");
        await using var rig = new SendRig(Sample.Account(server.Port), new() { Dialogues = 0 });
        Assert.That((await rig.SendAsync()).Attempt, Is.Null);
    }

    private static MailAttempt Kept(Outcome outcome) => outcome.Attempt ?? throw new AssertionException($"Nothing is kept of {outcome}.");

    private static List<string> Lines(MailAttempt attempt) => [.. attempt.Detail.Lines.Select(static line => line.Line)];

    private static string WithoutNumbers(string line) => System.Text.RegularExpressions.Regex.Replace(line, "[0-9]+", "#");
}
