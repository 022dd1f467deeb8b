using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class SenderRefusalsTests
{
    private SenderRefusals _refusals = null!;

    [SetUp]
    public void SetUp() => _refusals = new();

    [Test]
    public void Learn_ThreeSendersMetTheSame_TheNextIsTheAccounts()
    {
        Assert.That(
            new[] { "a", "b", "c", "d", "a" }.Select(sender => Learn(sender, 550)),
            Is.EqualTo(new[] { false, false, false, true, true })
        );
    }

    [Test]
    public void Learn_OneSenderAgainAndAgain_IsTheMessages() =>
        Assert.That(Enumerable.Repeat("a", 10).Select(sender => Learn(sender, 550)), Has.All.False);

    [Test]
    public void Learn_OneSenderAmongOthers_CountsOnce() =>
        Assert.That(new[] { "a", "b", "a", "b", "c" }.Select(sender => Learn(sender, 550)), Has.All.False);

    [Test]
    public void Learn_AnotherCodeBetween_BeginsAnew() =>
        Assert.That(
            new[] { ("a", 550), ("b", 550), ("c", 553), ("d", 550), ("e", 550) }.Select(met => Learn(met.Item1, met.Item2)),
            Has.All.False
        );

    [Test]
    public void Learn_ASenderTaken_BeginsAnew()
    {
        foreach (var sender in new[] { "a", "b", "c" })
            Learn(sender, 550);
        var taken = new TransactionResult(1)
        {
            Phase = SmtpPhase.Final,
            SenderAnswered = true,
            Ending = SmtpReply.Of(250, "ok"),
        };

        Assert.That((_refusals.Learn(Sample.Account(25), "d", taken), Learn("e", 550)), Is.EqualTo((false, false)));
    }

    [Test]
    public void Learn_AccountChanged_BeginsAnew()
    {
        foreach (var sender in new[] { "a", "b", "c" })
            Learn(sender, 550);

        Assert.That((Learn("d", 550, version: 2), Learn("d", 550, version: 2)), Is.EqualTo((false, false)));
    }

    [TestCase(450)]
    [TestCase(421)]
    [TestCase(503)]
    public void Learn_WhatIsNoRefusalOfASender_TeachesNothing(int code)
    {
        foreach (var sender in new[] { "a", "b", "c" })
            Learn(sender, code);

        Assert.That(Learn("d", code), Is.False);
    }

    [Test]
    public void Judge_EverySenderRefused_IsTheAccountsAndTheMessageStays()
    {
        var result = Result(550);

        var outcome = (Outcome.AccountToBlame)SmtpVerdict.Judge(Sample.Ticket(), new(7), Sample.Content(), result, everySender: true);

        Assert.That((outcome.Trouble.SmtpCode, outcome.Content is null), Is.EqualTo(((int?)550, false)));
    }

    private bool Learn(string sender, int code, int version = 1) =>
        _refusals.Learn(Sample.Account(25) with { Version = version }, sender, Result(code));

    private static TransactionResult Result(int code) =>
        new(1)
        {
            Phase = SmtpPhase.Mail,
            SenderAnswered = true,
            Ending = SmtpReply.Of(code, "no"),
        };
}
