using System.Net;
using System.Text;
using MailKit.Net.Smtp;
using MailKit.Security;
using MailProxy.Daemon.Sandbox;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Sandbox;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SandboxServerTests
{
    private const string Begin = "EHLO me\r\nMAIL FROM:<a@x.test>\r\n";

    private readonly TimerClock _clock = new();
    private SandboxServer _server = null!;
    private IPEndPoint _endPoint = null!;

    [SetUp]
    public async Task StartAsync()
    {
        var options = new SandboxOptions { MaxMessageBytes = 100_000, MaxConnections = 3 };
        _server = new SandboxServer(new SandboxMailbox(options), options, _clock, NullLogger.Instance);
        _endPoint = await _server.StartAsync();
    }

    [TearDown]
    public async Task StopAsync() => await _server.DisposeAsync();

    [Test]
    public async Task Listen_AnyPort_LoopbackOnly()
    {
        Assert.That(_endPoint.Address, Is.EqualTo(IPAddress.Loopback));
        await using var client = await RawClient.ConnectAsync(_endPoint);
        Assert.That(await client.ReplyAsync(), Does.StartWith("220 "));
    }

    [Test]
    public async Task Converse_Pipelined_RepliesInOrderAndMailKept()
    {
        await using var client = await GreetedAsync();
        await client.SendAsync(Begin + "RCPT TO:<b@y.test>\r\nRCPT TO:<perm@y.test>\r\nDATA\r\n");
        Assert.That(Codes(await client.RepliesAsync(5)), Is.EqualTo(new[] { "250", "250", "250", "550", "354" }));
        await client.SendAsync("Subject: one\r\n\r\n..dot\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@y.test>\r\nDATA\r\n");
        Assert.That(Codes(await client.RepliesAsync(4)), Is.EqualTo(new[] { "250", "250", "250", "354" }));
        await client.SendAsync("Subject: two\r\n\r\n.\r\nQUIT\r\n");
        Assert.That(Codes(await client.RepliesAsync(3)), Is.EqualTo(new[] { "250", "221", null }));

        var mails = _server.Mailbox.Page(10);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(mails.Select(mail => mail.Subject), Is.EqualTo(new[] { "two", "one" }));
            Assert.That(mails[1].From, Is.EqualTo("a@x.test"));
            Assert.That(mails[1].Recipients, Is.EqualTo(new[] { "b@y.test" }));
            Assert.That(Encoding.UTF8.GetString(mails[1].Raw.Span), Is.EqualTo("Subject: one\r\n\r\n.dot\r\n"));
            Assert.That(mails[0].From, Is.Empty);
        }
    }

    [Test]
    public async Task Converse_WholeMailInOnePacket_Kept()
    {
        // Against the rules of pipelining, but a server that reads it wrong would lose its place.
        await using var client = await GreetedAsync();
        await client.SendAsync(Begin + "RCPT TO:<b@y.test>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n");
        Assert.That(Codes(await client.RepliesAsync(6)), Is.EqualTo(new[] { "250", "250", "250", "354", "250", "221" }));
    }

    [Test]
    public async Task Converse_ByteByByte_SameAsWhole()
    {
        await using var client = await GreetedAsync();
        await client.TrickleAsync(Begin + "RCPT TO:<b@y.test>\r\nDATA\r\nSubject: slow\r\n\r\n..a\r\n.b\r\n.\r\nQUIT\r\n");
        Assert.That(Codes(await client.RepliesAsync(6)), Is.EqualTo(new[] { "250", "250", "250", "354", "250", "221" }));
        Assert.That(Encoding.UTF8.GetString(_server.Mailbox.Page(1)[0].Raw.Span), Is.EqualTo("Subject: slow\r\n\r\n.a\r\nb\r\n"));
    }

    [TestCase(4_000, "500 5.5.1")]
    [TestCase(5_000, "500 5.5.2 Line too long")]
    [TestCase(300_000, "500 5.5.2 Line too long")]
    public async Task Converse_LongLine_RefusedOnceAndGoesOn(int length, string reply)
    {
        await using var client = await GreetedAsync();
        Assert.That(await client.AskAsync(new string('X', length)), Does.StartWith(reply));
        Assert.That(await client.AskAsync("NOOP"), Does.StartWith("250"));
    }

    [Test]
    public async Task Converse_BareLineFeed_Refused()
    {
        await using var client = await GreetedAsync();
        await client.SendAsync("NOOP\n");
        Assert.That(await client.ReplyAsync(), Does.StartWith("500 5.5.2 Lines end"));
    }

    [Test]
    public async Task Converse_Garbage_SentAwayAndOthersServed()
    {
        var noise = new byte[20_000];
        new Random(1).NextBytes(noise);
        await using var client = await GreetedAsync();
        await using var other = await GreetedAsync();
        await client.SendAsync(noise);
        string? last = null;
        while (await client.ReplyAsync() is { } reply)
            last = reply;
        Assert.That(last, Does.StartWith("421 4.7.0"));
        Assert.That(await other.AskAsync("NOOP"), Does.StartWith("250"));
    }

    [Test]
    public async Task Data_LineOfAnyLength_Taken()
    {
        await using var client = await WithRecipientAsync("b@y.test");
        await client.SendAsync(new string('x', 90_000) + "\r\n.\r\n");
        Assert.That(await client.ReplyAsync(), Does.StartWith("250"));
        Assert.That(_server.Mailbox.Page(1)[0].Size, Is.EqualTo(90_002));
    }

    [Test]
    public async Task Data_OverTheLimit_RefusedAndTheNextIsTaken()
    {
        await using var client = await WithRecipientAsync("b@y.test");
        await client.SendAsync(new string('x', 100_001) + "\r\n.\r\n");
        Assert.That(await client.ReplyAsync(), Does.StartWith("552 5.3.4"));
        Assert.That(_server.Mailbox.Received, Is.Zero);
        await client.SendAsync("MAIL FROM:<>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n");
        await client.RepliesAsync(3);
        await client.SendAsync("x\r\n.\r\n");
        Assert.That(await client.ReplyAsync(), Does.StartWith("250"));
    }

    [Test]
    public async Task Rcpt_Slow_EarlierRepliesComeAtOnceItsOwnLate()
    {
        await using var client = await GreetedAsync();
        await client.SendAsync(Begin + "RCPT TO:<slow500@y.test>\r\n");
        Assert.That(Codes(await client.RepliesAsync(2)), Is.EqualTo(new[] { "250", "250" }));
        var reply = client.ReplyAsync();
        await _clock.AdvanceOnceWaitedForAsync(TimeSpan.FromMilliseconds(499));
        Assert.That(reply.IsCompleted, Is.False);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(await reply, Does.StartWith("250 2.1.5"));
    }

    [Test]
    public async Task Data_Drop_TakenAndClosedWithoutReply()
    {
        await using var client = await WithRecipientAsync("drop@y.test");
        await client.SendAsync("x\r\n.\r\n");
        Assert.That(await client.ReplyAsync(), Is.Null);
        Assert.That(_server.Mailbox.Received, Is.EqualTo(1));
    }

    [Test]
    public async Task Data_DropData_ClosedInTheMiddleAndNotTaken()
    {
        await using var client = await WithRecipientAsync("dropdata@y.test");
        await client.SendAsync("x\r\n");
        Assert.That(await client.ReplyAsync(), Is.Null);
        Assert.That(_server.Mailbox.Received, Is.Zero);
    }

    [Test]
    public async Task Rcpt_Busy_TurnedAwayAndClosed()
    {
        await using var client = await GreetedAsync();
        await client.SendAsync(Begin + "RCPT TO:<busy@y.test>\r\nDATA\r\n");
        Assert.That(Codes(await client.RepliesAsync(4)), Is.EqualTo(new[] { "250", "250", "421", null }));
    }

    [Test]
    public async Task Connect_OneTooMany_TurnedAway()
    {
        await using var one = await GreetedAsync();
        await using var two = await GreetedAsync();
        await using var three = await GreetedAsync();
        await using var four = await RawClient.ConnectAsync(_endPoint);
        Assert.That(Codes(await four.RepliesAsync(2)), Is.EqualTo(new[] { "421", null }));
        Assert.That(await one.AskAsync("NOOP"), Does.StartWith("250"));
    }

    [Test]
    public async Task Stop_ConversationsOpen_EndsThemAll()
    {
        await using var idle = await GreetedAsync();
        await using var hanging = await GreetedAsync();
        await hanging.SendAsync(Begin + "RCPT TO:<hang@y.test>\r\n");
        await hanging.RepliesAsync(2);
        await _server.StopAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.That(await idle.ReplyAsync(), Is.Null);
        Assert.That(await hanging.ReplyAsync(), Is.Null);
        Assert.That(async () => await RawClient.ConnectAsync(_endPoint), Throws.InstanceOf<System.Net.Sockets.SocketException>());
    }

    [Test]
    public async Task Start_PortTaken_Throws()
    {
        var options = new SandboxOptions { Port = _endPoint.Port };
        await using var second = new SandboxServer(new SandboxMailbox(options), options, _clock, NullLogger.Instance);
        Assert.That(second.StartAsync, Throws.InstanceOf<IOException>().With.Message.Contains("Sandbox:Port"));
    }

    [Test]
    public async Task MailKit_InternationalMail_ArrivesWhole()
    {
        using var message = new MimeMessage(
            [new MailboxAddress("Jörg", "jörg@exämple.org")],
            [new MailboxAddress("Bob", "bob@y.test"), new MailboxAddress("Käthe", "käthe@y.test")],
            "Grüße",
            new TextPart("plain") { Text = ".one\r\n..two\r\n", ContentTransferEncoding = ContentEncoding.EightBit }
        );
        using var client = new SmtpClient();
        await client.ConnectAsync("127.0.0.1", _endPoint.Port, SecureSocketOptions.None);
        Assert.That(
            client.Capabilities
                & (
                    SmtpCapabilities.Pipelining
                    | SmtpCapabilities.UTF8
                    | SmtpCapabilities.EightBitMime
                    | SmtpCapabilities.Size
                    | SmtpCapabilities.Dsn
                ),
            Is.EqualTo(
                SmtpCapabilities.Pipelining
                    | SmtpCapabilities.UTF8
                    | SmtpCapabilities.EightBitMime
                    | SmtpCapabilities.Size
                    | SmtpCapabilities.Dsn
            )
        );
        await client.SendAsync(message);
        await client.DisconnectAsync(quit: true);

        var mail = _server.Mailbox.Page(1)[0];
        using var stream = new MemoryStream(mail.Raw.ToArray());
        using var received = MimeMessage.Load(stream);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(mail.Subject, Is.EqualTo("Grüße"));
            Assert.That(mail.From, Is.EqualTo("jörg@exämple.org"));
            Assert.That(mail.Recipients, Is.EqualTo(new[] { "bob@y.test", "käthe@y.test" }));
            Assert.That(received.TextBody?.ReplaceLineEndings("\n"), Is.EqualTo(".one\n..two\n"));
        }
    }

    private static IEnumerable<string?> Codes(IEnumerable<string?> replies) => replies.Select(reply => reply?[..3]);

    private async Task<RawClient> GreetedAsync()
    {
        var client = await RawClient.ConnectAsync(_endPoint);
        await client.ReplyAsync();
        return client;
    }

    private async Task<RawClient> WithRecipientAsync(string address)
    {
        var client = await GreetedAsync();
        await client.SendAsync(Begin + $"RCPT TO:<{address}>\r\nDATA\r\n");
        Assert.That(Codes(await client.RepliesAsync(4)), Is.EqualTo(new[] { "250", "250", "250", "354" }));
        return client;
    }
}
