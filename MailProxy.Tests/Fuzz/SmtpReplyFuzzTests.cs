using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Fuzz;

/// <summary>
/// A server that answers with whatever comes into its head, and calms down at last: every message reaches a defined state, and what went
/// out twice says so.
/// </summary>
[TestFixture]
internal sealed class SmtpReplyFuzzTests
{
    private const int Messages = 150;
    private const int Whims = 1_500;

    private static readonly string[] Replies =
    [
        "250 2.0.0 ok",
        "250 ok",
        "250",
        "251 forwarded",
        "252 perhaps",
        "220 again",
        "221 bye",
        "354 go",
        "211 x",
        "199 early",
        "300 more",
        "421 4.3.2 closing",
        "450 4.2.1 later",
        "451 4.3.0 try again in 1 second",
        "452 4.5.3 too many recipients",
        "454 4.7.0 auth",
        "500 5.5.2 what",
        "501 5.5.4 bad",
        "502 no",
        "503 order",
        "504 no",
        "530 5.7.0 auth first",
        "535 5.7.8 no",
        "550 5.1.1 nobody",
        "551 x",
        "552 5.3.4 big",
        "553 5.1.3 name",
        "554 5.7.1 spam",
        "555 parameters",
        "599 5.9.9 x",
        "600 beyond",
        "000 zero",
        "25",
        "2500 long",
        "abc",
        "",
        "-",
        "250-",
        "250-first\r\n550 second",
        "250-first\r\n250-second\r\n250 third",
        "250 5.1.1 contrary",
        "550 2.0.0 contrary",
        "450 9.9.9 x",
        "450 4.99999.1 x",
        "\0\0\0",
        "\u00ff\u00fe\u00fd",
        "250 \u00ff\u00e4",
    ];

    [Test]
    public async Task Replies_OfAMadServer_EveryMessageReachesADefinedState()
    {
        var random = FuzzSeed.Random(20_261_123);
        var gate = new Lock();
        var left = FuzzSeed.Rounds(Whims);
        Said? Whim(string phase)
        {
            lock (gate)
            {
                // Mostly sane, or no conversation would get anywhere.
                if (left-- <= 0 || random.Next(100) < (phase is "CONNECT" or "EHLO" ? 90 : 65))
                    return null;
                return random.Next(12) switch
                {
                    0 => new Said("", SaidThen.Close),
                    1 => new([.. Line(Pick())], SaidThen.Close),
                    // A second reply to one command: from then on nobody knows which reply is whose, so no more is said and nothing follows
                    // from it.
                    2 => new([.. Line(Pick()), .. Line(Pick())], SaidThen.Close),
                    3 => new(Encoding.ASCII.GetBytes("250 " + new string('x', random.Next(1, 20_000)) + "\r\n")),
                    4 => new(Noise(), SaidThen.Close),
                    5 => new(Encoding.ASCII.GetBytes("250 no end"), SaidThen.Close),
                    _ => Pick(),
                };
            }
        }

        string Pick() => Replies[random.Next(Replies.Length)];
        byte[] Line(string text) => Encoding.Latin1.GetBytes(text + "\r\n");
        byte[] Noise()
        {
            var noise = new byte[random.Next(1, 300)];
            random.NextBytes(noise);
            return noise;
        }

        await using var server = new ScriptedSmtpServer(heard => Whim(heard.Verb));
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(
            directory,
            ("Log:Level", "Fatal"),
            ("Send:Timeouts:Greeting", "00:00:00.3"),
            ("Send:Timeouts:Command", "00:00:00.3"),
            ("Send:Timeouts:Mail", "00:00:00.3"),
            ("Send:Timeouts:Recipient", "00:00:00.3"),
            ("Send:Timeouts:DataInitiation", "00:00:00.3"),
            ("Send:Timeouts:DataBlock", "00:00:00.3"),
            ("Send:Timeouts:DataTermination", "00:00:00.3"),
            ("Send:Timeouts:Farewell", "00:00:00.3"),
            ("Report:AccountBackoffFirst", "00:00:01"),
            ("Report:AccountBackoffLongest", "00:00:01"),
            ("Report:AuthenticationBackoffFirst", "00:00:01"),
            ("Report:RetryMinutes", "0.005,0.005,0.005,0.005,0.005,0.005")
        );

        // Several accounts to one server, so that one account's back-off is not everybody's wait.
        string[] accounts = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9"];
        foreach (var account in accounts)
            await daemon.PutAccountAsync(account, server.Port);
        string[] policies = ["retry", "assume_sent"];
        var ids = await Task.WhenAll(
            Enumerable
                .Range(0, Messages)
                .Select(n =>
                    daemon.PostAsync(
                        new
                        {
                            account = accounts[n % accounts.Length],
                            from = "a@example.com",
                            to = Enumerable.Range(0, 1 + (n % 3)).Select(r => $"b{n}-{r}@example.com"),
                            text = "x",
                            on_ambiguous = policies[n % 7 == 0 ? 1 : 0],
                        }
                    )
                )
        );

        // One final event each, woken by commits: a message that is stuck anywhere is missing here.
        var ends = await daemon.EventsAsync(e => e.MessageId is not null && e.Status.IsFinal(), ids.Length, TimeSpan.FromSeconds(45));
        Assert.That(ends.Select(e => e.MessageId), Is.EquivalentTo(ids));
        TestContext.Out.WriteLine(
            string.Join(", ", ends.GroupBy(e => e.Type).Select(g => $"{g.Count()} × {g.Key.Name()}")) + $"; {Math.Max(0, left)} whims left"
        );

        var taken = server.Taken.ToLookup(m => m.Key);
        using var many = Assert.EnterMultipleScope();
        foreach (var id in ids)
        {
            var message = await daemon.GetAsync($"/v1/messages/{id}");
            var mails = taken[$"default/{id}"].ToArray();
            var what = $"{id}: {message.ToJsonString()}";
            Assert.That(
                message["recipients"]!.AsArray().Select(r => (string)r!["status"]!),
                Is.All.AnyOf("sent", "failed", "ambiguous"),
                what
            );
            if ((string)message["status"]! is "sent")
                Assert.That(mails, Is.Not.Empty, what);
            var twice = mails.SelectMany(m => m.Accepted).GroupBy(r => r).Any(g => g.Count() > 1);
            if (twice)
                Assert.That((bool)message["possible_duplicate"]!, Is.True, what);
        }

        await daemon.StopAsync();
    }
}
