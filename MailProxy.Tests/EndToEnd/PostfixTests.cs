using MailKit.Net.Smtp;
using MailKit.Security;
using MailProxy.Tests.Support;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>That the Postfix of the end-to-end tests is one: relays, puts off while its sink is dead, delivers when it is back.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class PostfixTests
{
    private PostfixInstance _postfix = null!;

    [SetUp]
    public async Task StartAsync() => _postfix = await PostfixInstance.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _postfix.DisposeAsync();

    [Test]
    public async Task Relay_TwentyMails_ArriveAtTheSinkOnceEach()
    {
        await SendAsync(Enumerable.Range(0, 20));
        await _postfix.RemovedAsync(20);

        var messages = _postfix.Sink.Messages();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(messages.Select(message => message.MailKey), Is.EquivalentTo(Enumerable.Range(0, 20).Select(Key)));
            Assert.That(
                messages,
                Has.All.Matches<SinkMessage>(message => message.Recipients.SequenceEqual(["bob@y.test", "carol@z.test"]))
            );
            Assert.That(messages, Has.All.Matches<SinkMessage>(message => message.Sender == "ann@x.test"));
            Assert.That(messages, Has.All.Matches<SinkMessage>(message => message.Message.Subject == "Grüße"));
            Assert.That(
                messages,
                Has.All.Matches<SinkMessage>(message => message.Message.TextBody!.ReplaceLineEndings("\n").TrimEnd() == ".dots\n..more")
            );
        }
    }

    [Test]
    public async Task Relay_SinkKilledAndBack_EverythingArrives()
    {
        await SendAsync(Enumerable.Range(0, 5));
        await _postfix.RemovedAsync(5);
        await _postfix.KillSinkAsync();
        await SendAsync(Enumerable.Range(5, 5));
        await _postfix.DeferredAsync(10);
        await _postfix.StartSinkAsync();
        await _postfix.FlushQueueAsync();
        await _postfix.RemovedAsync(10);

        Assert.That(_postfix.Sink.Messages().Select(message => message.MailKey), Is.EquivalentTo(Enumerable.Range(0, 10).Select(Key)));
    }

    private static string Key(int number) => $"default/mail-{number}";

    private async Task SendAsync(IEnumerable<int> numbers)
    {
        using var client = new SmtpClient();
        await client.ConnectAsync("127.0.0.1", _postfix.Port, SecureSocketOptions.None);
        foreach (var number in numbers)
        {
            using var message = new MimeMessage(
                [new MailboxAddress("Ann", "ann@x.test")],
                [new MailboxAddress("Bob", "bob@y.test"), new MailboxAddress("Carol", "carol@z.test")],
                "Grüße",
                new TextPart("plain") { Text = ".dots\r\n..more\r\n" }
            );
            message.Headers.Add("X-Mail-Key", Key(number));
            await client.SendAsync(message);
        }

        await client.DisconnectAsync(quit: true);
    }
}
