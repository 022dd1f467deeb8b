using System.Text;
using MailProxy.Daemon.Sandbox;
using NUnit.Framework;

namespace MailProxy.Tests.Sandbox;

[TestFixture]
internal sealed class SandboxMailboxTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    [Test]
    public void Add_MoreThanKept_OldestForgotten()
    {
        var mailbox = new SandboxMailbox(new SandboxOptions { KeepMessages = 3 });
        for (var i = 0; i < 5; i++)
            Add(mailbox, "x");
        Assert.That(mailbox.Page(10).Select(mail => mail.Id), Is.EqualTo(new[] { 5, 4, 3 }));
        Assert.That(mailbox.Find(2), Is.Null);
        Assert.That(mailbox.Find(3), Is.Not.Null);
        Assert.That(mailbox.Received, Is.EqualTo(5));
    }

    [Test]
    public void Add_MoreBytesThanKept_OldestForgottenButNeverTheNewest()
    {
        var mailbox = new SandboxMailbox(new SandboxOptions { KeepBytes = 10 });
        Add(mailbox, "12345");
        Add(mailbox, "12345");
        Assert.That(mailbox.Page(10), Has.Count.EqualTo(2));
        Add(mailbox, "1");
        Assert.That(mailbox.Page(10).Select(mail => mail.Id), Is.EqualTo(new[] { 3, 2 }));
        Add(mailbox, new string('x', 50));
        Assert.That(mailbox.Page(10).Select(mail => mail.Id), Is.EqualTo(new[] { 4 }));
    }

    [Test]
    public void Page_Before_GoesOnBelow()
    {
        var mailbox = new SandboxMailbox(new SandboxOptions());
        for (var i = 0; i < 5; i++)
            Add(mailbox, "x");
        Assert.That(mailbox.Page(2, before: 4).Select(mail => mail.Id), Is.EqualTo(new[] { 3, 2 }));
    }

    [Test]
    public async Task ReachedAsync_Total_CompletesWithTheMailThatReachesIt()
    {
        var mailbox = new SandboxMailbox(new SandboxOptions());
        var two = mailbox.ReachedAsync(2);
        Add(mailbox, "x");
        Assert.That(two.IsCompleted, Is.False);
        Add(mailbox, "x");
        await two.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.That(mailbox.ReachedAsync(1).IsCompleted, Is.True);
    }

    [TestCase("Subject: Hello\r\n\r\n", "Hello")]
    [TestCase("Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n\r\n", "Grüße")]
    [TestCase("From: a@x\r\nsubject: folded\r\n over two\r\n\r\nSubject: not this", "folded over two")]
    [TestCase("Subject: Grüße\r\n\r\n", "Grüße")]
    [TestCase("From: a@x\r\n\r\nSubject: body", null)]
    [TestCase("", null)]
    [TestCase("not a header at all", null)]
    public void Subject_OfRawMail_Decoded(string raw, string? subject)
    {
        var mailbox = new SandboxMailbox(new SandboxOptions());
        Assert.That(Add(mailbox, raw).Subject, Is.EqualTo(subject));
    }

    private static SandboxMail Add(SandboxMailbox mailbox, string raw) =>
        mailbox.Add(Now, "a@x.test", ["b@y.test"], Encoding.UTF8.GetBytes(raw));
}
