using System.Text;
using MailProxy.Daemon.Sandbox;
using NUnit.Framework;

namespace MailProxy.Tests.Sandbox;

[TestFixture]
internal sealed class RehearsalTests
{
    private SandboxSession _session = null!;

    [SetUp]
    public void Begin()
    {
        _session = new SandboxSession(1000, new AttemptCounter());
        _session.Handle("EHLO me"u8);
        _session.Handle("MAIL FROM:<a@x.test>"u8);
    }

    [TestCase("perm@x.test", "550 5.1.1")]
    [TestCase("PERM@x.test", "550 5.1.1")]
    [TestCase("perm+anything@x.test", "550 5.1.1")]
    [TestCase("full@x.test", "552 5.2.2")]
    [TestCase("blocked@x.test", "554 5.7.1")]
    [TestCase("bigreply@x.test", "550-5.1.1")]
    [TestCase("temp@x.test", "451 4.7.1")]
    [TestCase("quota@x.test", "452 4.2.2")]
    [TestCase("auth@x.test", "530 5.7.0")]
    [TestCase("garbage@x.test", "this is")]
    [TestCase("grey30@x.test", "450 4.7.1 Greylisted, try again in 30 seconds")]
    public void Rcpt_RefusingName_ItsReplyAndNoRecipient(string address, string reply)
    {
        Assert.That(Rcpt(address).ToString(), Does.StartWith(reply));
        Assert.That(_session.Recipients, Is.Empty);
    }

    [TestCase("permanent@x.test")]
    [TestCase("perm3@x.test")]
    [TestCase("slow@x.test")]
    [TestCase("temp99999999999@x.test")]
    [TestCase("x+perm@x.test")]
    [TestCase("spam@x.test")]
    [TestCase("drop@x.test")]
    [TestCase("dropdata@x.test")]
    public void Rcpt_NoNameOrALaterOne_Accepted(string address)
    {
        Assert.That(Rcpt(address).ToString(), Does.StartWith("250 2.1.5"));
        Assert.That(_session.Recipients, Is.EqualTo(new[] { address }));
    }

    [Test]
    public void Rcpt_Temp3_AcceptedAtTheFourthAttemptOfThatAddress()
    {
        var replies = Enumerable.Range(0, 5).Select(_ => Rcpt("temp3+a@x.test").ToString()[..3]).ToList();
        Assert.That(replies, Is.EqualTo(new[] { "451", "451", "451", "250", "250" }));
        Assert.That(Rcpt("temp3+b@x.test").ToString(), Does.StartWith("451"));
    }

    [Test]
    public void Rcpt_Grey5_AcceptedAtTheSecondAttempt()
    {
        Assert.That(Rcpt("grey5@x.test").ToString(), Does.StartWith("450 4.7.1"));
        Assert.That(Rcpt("grey5@x.test").ToString(), Does.StartWith("250"));
    }

    [Test]
    public void Rcpt_TooMany_OnlyTheFirstOfATransaction()
    {
        Assert.That(Rcpt("toomany+1@x.test").ToString(), Does.StartWith("250"));
        Assert.That(Rcpt("toomany+2@x.test").ToString(), Does.StartWith("452 4.5.3"));
        _session.EndTransaction();
        _session.Handle("MAIL FROM:<a@x.test>"u8);
        Assert.That(Rcpt("toomany+2@x.test").ToString(), Does.StartWith("250"));
    }

    [TestCase("slow500@x.test", 500)]
    [TestCase("slow1@x.test", 1)]
    [TestCase("slow99999@x.test", 60_000)]
    public void Rcpt_Slow_AcceptedLate(string address, int milliseconds)
    {
        var reply = Rcpt(address);
        Assert.That(reply.ToString(), Does.StartWith("250"));
        Assert.That(reply.Delay, Is.EqualTo(TimeSpan.FromMilliseconds(milliseconds)));
        Assert.That(_session.Recipients, Is.EqualTo(new[] { address }));
    }

    [TestCase("busy@x.test", "421 4.3.2", 0)]
    [TestCase("hangup@x.test", "", 0)]
    [TestCase("hang@x.test", "", 900)]
    public void Rcpt_EndingName_Closes(string address, string reply, int seconds)
    {
        var said = Rcpt(address);
        Assert.That(said.ToString(), reply == "" ? Is.Empty : Does.StartWith(reply));
        Assert.That(said.Then, Is.EqualTo(SandboxStep.Close));
        Assert.That(said.Delay, Is.EqualTo(TimeSpan.FromSeconds(seconds)));
    }

    [TestCase("b@x.test", "250 2.0.0", true, SandboxStep.NextCommand)]
    [TestCase("spam@x.test", "554 5.7.1", false, SandboxStep.NextCommand)]
    [TestCase("defer@x.test", "451 4.3.0", false, SandboxStep.NextCommand)]
    [TestCase("late20@x.test", "250 2.0.0", true, SandboxStep.NextCommand)]
    [TestCase("drop@x.test", "", true, SandboxStep.Close)]
    public void EndOfData_Name_ItsReply(string address, string reply, bool kept, SandboxStep then)
    {
        Rcpt("first@x.test");
        Rcpt(address);
        using var data = new DataDecoder(10);
        var (said, keep) = _session.EndOfData(data);
        Assert.That(said.ToString(), reply == "" ? Is.Empty : Does.StartWith(reply));
        Assert.That(said.Then, Is.EqualTo(then));
        Assert.That(keep, Is.EqualTo(kept));
        Assert.That(said.Delay, Is.EqualTo(TimeSpan.FromMilliseconds(address.StartsWith("late", StringComparison.Ordinal) ? 20 : 0)));
    }

    [Test]
    public void Table_EveryRow_IsReachedByItsName()
    {
        Assert.That(
            Rehearsal.Table,
            Has.All.Matches<Rehearsal>(row =>
                Rehearsal.For(row.Local.Replace("N", "7", StringComparison.Ordinal) + "@x.test")?.Rehearsal == row
            )
        );
    }

    private SandboxReply Rcpt(string address) => _session.Handle(Encoding.UTF8.GetBytes($"RCPT TO:<{address}>"));
}
