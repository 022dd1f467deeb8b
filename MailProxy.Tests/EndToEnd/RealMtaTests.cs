using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A thousand messages of every kind through a real Postfix into its own sink; and the sink killed in the middle.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class RealMtaTests : DaemonFixture
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    private PostfixInstance _postfix = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _postfix = await PostfixInstance.StartAsync();
        await _daemon.PutAccountAsync("postfix", _postfix.Port);
    }

    [TearDown]
    public ValueTask StopAsync() => _postfix.DisposeAsync();

    [Test]
    public async Task Post_AThousandOfEveryKind_AllArriveOnceAndWhole()
    {
        const int Count = 1000;
        await Parallel.ForAsync(
            0,
            Count,
            new ParallelOptions { MaxDegreeOfParallelism = 16 },
            async (n, _) => await _daemon.PostAsync(Mail(n))
        );
        await _daemon.EventsAsync(e => e.Type == EventType.MessageSent, Count, Deadline);
        await _postfix.RemovedAsync(Count, Deadline);

        var arrived = _postfix.Sink.Messages();
        var byKey = arrived.ToDictionary(m => m.MailKey!);
        Assert.That(arrived, Has.Count.EqualTo(Count));
        using (Assert.EnterMultipleScope())
        {
            for (var n = 0; n < Count; n++)
            {
                var message = byKey[$"default/m{n}"];
                Assert.That(message.Message.Subject, Is.EqualTo($"Bestellung № {n} — 注文"));
                Assert.That(message.Message.From.Mailboxes.Single().Name, Is.EqualTo("Größe & Söhne"));
                Assert.That(message.Recipients, Is.EquivalentTo(Recipients(n)));
                Assert.That(message.Message.TextBody?.TrimEnd(), Does.StartWith($"Grüße {n}"));
                if (n % 3 == 0)
                    Assert.That(message.Message.HtmlBody, Does.Contain("<p>"));
                if (n % 5 == 0)
                    Assert.That(AttachmentOf(message), Is.EqualTo(Attachment(n)));
            }
        }
    }

    [Test]
    public async Task KillTheSink_InTheMiddle_EverythingArrivesAfterItReturns()
    {
        const int Count = 300;
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        for (var n = 0; n < Count; n++)
            await _daemon.PostAsync(Mail(n));
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        await _postfix.RemovedAsync(Count / 10, Deadline);
        await _postfix.KillSinkAsync();
        await _daemon.EventsAsync(e => e.Type == EventType.MessageSent, Count, Deadline);
        await _postfix.StartSinkAsync();
        await _postfix.FlushQueueAsync();
        await _postfix.RemovedAsync(Count, Deadline);

        Assert.That(_postfix.Sink.Messages().Select(m => m.MailKey).Distinct(), Has.Exactly(Count).Items);
    }

    private static object Mail(int n) =>
        new
        {
            id = $"m{n}",
            account = "postfix",
            from = "Größe & Söhne <shop@example.com>",
            to = Recipients(n).Take(1).ToArray(),
            bcc = Recipients(n).Skip(1).ToArray(),
            subject = $"Bestellung № {n} — 注文",
            text = $"Grüße {n}\n.\n..\n" + new string('x', n),
            html = n % 3 == 0 ? $"<p>Grüße {n}</p>" : null,
            headers = new Dictionary<string, string> { ["X-Order"] = $"№ {n}" },
            attachments = n % 5 == 0
                ? new[]
                {
                    new
                    {
                        filename = "Rechnung für März.pdf",
                        content_type = "application/pdf",
                        content = Convert.ToBase64String(Attachment(n)),
                    },
                }
                : null,
        };

    private static string[] Recipients(int n) => [.. Enumerable.Range(0, 1 + (n % 4)).Select(r => $"r{r}.{n}@example.net")];

    private static byte[] Attachment(int n) =>
        Encoding.Latin1.GetBytes(string.Concat(Enumerable.Range(0, 200).Select(i => (char)((i * n) % 256))));

    private static byte[] AttachmentOf(SinkMessage message)
    {
        using var content = new MemoryStream();
        ((MimeKit.MimePart)message.Message.Attachments.Single()).Content!.DecodeTo(content);
        return content.ToArray();
    }
}
