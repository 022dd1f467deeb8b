using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class SendStageTests
{
    private ScriptedSmtpServer _server = null!;

    [SetUp]
    public void SetUp() => _server = new();

    [TearDown]
    public async Task TearDown() => await _server.DisposeAsync();

    [Test]
    public async Task Mail_Accepted_IsAttemptedAndEverythingIsGivenBack()
    {
        await using var rig = new SendRig(Account());

        var outcome = (Outcome.Attempted)await rig.SendAsync();

        Assert.That(outcome.Verdicts.Single().Verdict, Is.EqualTo(Verdict.Accepted));
        Assert.That(outcome.Content.Json.Length, Is.Zero);
        Assert.That((rig.Permits[1].Disposed, rig.Charges[1].Disposed), Is.EqualTo((true, true)));
        Assert.That(rig.Marks.Steps, Is.EqualTo(new[] { "mark 1", "begin 1", "out 1", "answered 1 Accepted" }));
        Assert.That(rig.Items.Single().Mark, Is.EqualTo(rig.Marks.Marked.Single() with { At = outcome.Mark!.At }), "with its permits");
        Assert.That((rig.Permits[1].Spent, rig.Wake.Drain().Answered.Single()), Is.EqualTo((1, outcome.Ticket)));
        Assert.That(rig.Metrics.Attempts.WithLabels("default", "relay", "accepted").Value, Is.EqualTo(1));
    }

    [Test]
    public async Task Mail_PartlyRefused_SendsToTheGoodOnce()
    {
        _server.Say("RCPT", "250 ok", "550 5.1.1 who", "450 4.2.1 later");
        await using var rig = new SendRig(Account());

        var outcome = (Outcome.Attempted)
            await rig.SendAsync(content: Sample.Content(recipients: ["b@y.example", "c@y.example", "d@y.example"]));

        Assert.That(outcome.Verdicts.Select(v => v.Verdict), Is.EqualTo(new[] { Verdict.Accepted, Verdict.Refused, Verdict.Deferred }));
        Assert.That(_server.Mails, Has.Count.EqualTo(1));
        Assert.That(rig.Metrics.Attempts.WithLabels("default", "relay", "partial").Value, Is.EqualTo(1));
    }

    [Test]
    public async Task Mail_LostAfterTheDot_IsInDoubtAndTheNextGetsANewConnection()
    {
        _server.Say("DOT", ScriptedSmtpServer.Drop);
        await using var rig = new SendRig(Account());

        var first = (Outcome.Attempted)await rig.SendAsync(1);
        var second = (Outcome.Attempted)await rig.SendAsync(2);

        Assert.That(first.Verdicts.Single().Verdict, Is.EqualTo(Verdict.InDoubt));
        Assert.That(second.Verdicts.Single().Verdict, Is.EqualTo(Verdict.Accepted));
        Assert.That(_server.Connections, Is.EqualTo(2));
    }

    [Test]
    public async Task Mail_NoConnection_BlamesTheAccountWithoutAMark()
    {
        _server.Say("CONNECT", "421 4.3.2 busy, try again in 30 seconds");
        await using var rig = new SendRig(Account());

        var outcome = (Outcome.AccountToBlame)await rig.SendAsync();

        Assert.That(
            (outcome.Trouble.Kind, outcome.Trouble.RetryAfter),
            Is.EqualTo((TroubleKind.Throttled, (TimeSpan?)TimeSpan.FromSeconds(30)))
        );
        Assert.That(outcome.Content, Is.Null);
        Assert.That(rig.Marks.Steps, Is.Empty);
        Assert.That(rig.Permits[1].Disposed, Is.True);
    }

    [Test]
    public async Task Mail_FourTwentyOneAtMail_BlamesTheAccountWithItsContent()
    {
        _server.Say("MAIL", "421 4.7.0 slow down");
        await using var rig = new SendRig(Account());

        var outcome = (Outcome.AccountToBlame)await rig.SendAsync();

        Assert.That(outcome.Content, Is.Not.Null);
        Assert.That(outcome.Mark, Is.Not.Null);
        Assert.That(await rig.SendAsync(2), Is.TypeOf<Outcome.Attempted>());
        Assert.That(_server.Connections, Is.EqualTo(2));
    }

    [Test]
    public async Task Mail_ReusedConnectionBreaksAtOnce_IsTriedOnceOnANewOne()
    {
        await using var rig = new SendRig(Account());
        await rig.SendAsync(1);
        _server.Say("MAIL", ScriptedSmtpServer.Drop);

        var outcome = (Outcome.Attempted)await rig.SendAsync(2);

        Assert.That(outcome.Verdicts.Single().Verdict, Is.EqualTo(Verdict.Accepted));
        Assert.That((_server.Connections, rig.Marks.Steps.Count(static step => step == "mark 2")), Is.EqualTo((2, 1)));
    }

    [Test]
    public async Task Mail_NewConnectionBreaksAtOnce_BlamesTheAccount()
    {
        _server.Say("MAIL", ScriptedSmtpServer.Drop);
        await using var rig = new SendRig(Account());

        var outcome = (Outcome.AccountToBlame)await rig.SendAsync();

        Assert.That((outcome.Trouble.Kind, outcome.Content is null), Is.EqualTo((TroubleKind.Connect, false)));
    }

    [Test]
    public async Task Mail_NewConnectionIsRefusedAfterTheOldOneDied_BlamesTheAccountAndCostsNothing()
    {
        await using var rig = new SendRig(Account());
        await rig.SendAsync(1);
        _server.Say("MAIL", ScriptedSmtpServer.Drop).Say("CONNECT", "554 no");

        var outcome = (Outcome.AccountToBlame)await rig.SendAsync(2);

        Assert.That((outcome.Trouble.Kind, outcome.Content is null), Is.EqualTo((TroubleKind.Greeting, true)));
        Assert.That((rig.Permits[2].Spent, rig.Permits[2].Disposed), Is.EqualTo((0, true)), "its body has not begun");
        Assert.That(await rig.SendAsync(3), Is.TypeOf<Outcome.Attempted>());
    }

    [Test]
    public async Task Raw_EightBitWithoutTheExtension_IsUnsendableAndNotMarked()
    {
        _server.Extensions.Remove("8BITMIME");
        await using var rig = new SendRig(Account());
        var raw = Sample.Content($$"""{"to":"b@y.example","raw":"{{Convert.ToBase64String("From: a@x.example\n\ngrün\n"u8)}}"}""");

        var outcome = (Outcome.Unsendable)await rig.SendAsync(content: raw);

        Assert.That(outcome.EnhancedCode, Is.EqualTo("5.6.3"));
        Assert.That((rig.Items.Single(), outcome.Mark, rig.Marks.Steps.Count), Is.EqualTo((outcome, (Mark?)null, 0)));
        Assert.That(await rig.SendAsync(2), Is.TypeOf<Outcome.Attempted>());
        Assert.That(_server.Connections, Is.EqualTo(1));
    }

    [Test]
    public async Task InternationalLocalPart_WithoutTheExtension_IsUnsendable()
    {
        _server.Extensions.Remove("SMTPUTF8");
        await using var rig = new SendRig(Account());

        var outcome = (Outcome.Unsendable)await rig.SendAsync(content: Sample.Content(recipients: ["bøb@y.example"]));

        Assert.That(outcome.EnhancedCode, Is.EqualTo("5.6.7"));
    }

    [Test]
    public async Task InternationalLocalPart_AfterAnInternationalDomain_GoesOverTheSameConnection()
    {
        await using var rig = new SendRig(Account());

        await rig.SendAsync(1, Sample.Content(recipients: ["b@xn--mnchen-3ya.example"]));
        var outcome = await rig.SendAsync(2, Sample.Content(recipients: ["bøb@y.example"]));

        Assert.That(outcome, Is.TypeOf<Outcome.Attempted>());
        Assert.That(_server.Connections, Is.EqualTo(1));
    }

    [Test]
    public async Task Content_Unreadable_IsUnsendable()
    {
        await using var rig = new SendRig(Account());

        Assert.That(((Outcome.Unsendable)await rig.SendAsync(content: Sample.Content("{"))).EnhancedCode, Is.EqualTo("5.6.0"));
        Assert.That(_server.Connections, Is.Zero);
    }

    [Test]
    public async Task DkimKey_Unusable_BlamesTheAccount()
    {
        await using var rig = new SendRig(Account() with { Dkim = new("x.example", "s", "no key") });

        Assert.That(((Outcome.AccountToBlame)await rig.SendAsync()).Trouble.Kind, Is.EqualTo(TroubleKind.Configuration));
    }

    [Test]
    public async Task Sandbox_NotListening_BlamesTheAccount()
    {
        await using var rig = new SendRig(Account() with { Sandbox = true, Host = null });

        Assert.That(await rig.SendAsync(), Is.TypeOf<Outcome.AccountToBlame>());
    }

    [Test]
    public async Task Sandbox_Listening_GetsItWithoutTlsAndLogin()
    {
        var sandbox = Account() with { Sandbox = true, Host = null, Port = 0, Security = SmtpSecurity.Tls, User = "u", Password = "p" };
        await using var rig = new SendRig(sandbox);
        rig.Accounts.Swap(new([sandbox], new(System.Net.IPAddress.Loopback, _server.Port)));

        Assert.That(await rig.SendAsync(), Is.TypeOf<Outcome.Attempted>());
    }

    private SmtpAccount Account() => Sample.Account(_server.Port);
}
