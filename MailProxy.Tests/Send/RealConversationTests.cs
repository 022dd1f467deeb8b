using System.Net;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Send.Servers;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>
/// The replies of <see cref="SmtpConnectionTests"/>, said by servers that we did not write for it: the sandbox, smtp-sink, Postfix and
/// aiosmtpd. Each plays what it can be made to play.
/// </summary>
internal sealed class RealConversationTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, PlayingServer> _servers = [];

    [OneTimeTearDown]
    public async Task Stop()
    {
        foreach (var server in _servers.Values)
            await server.DisposeAsync();
    }

    [TestCase("sandbox")]
    [TestCase("smtp-sink")]
    [TestCase("postfix")]
    [TestCase("aiosmtpd")]
    public async Task Transact_Ordinary_IsTakenAgainAndAgainOnOneConnection(string server)
    {
        var stage = await Of(server).PlayAsync("", PlayingServer.Ordinary);
        await using var connection = await OpenAsync(stage);

        for (var i = 0; i < 3; i++)
        {
            var result = await TransactAsync(connection, stage with { Recipient = $"bob{i}@y.test" });
            Assert.That((result.End, result.Phase, result.Ending!.Code), Is.EqualTo((TransactionEnd.Answered, SmtpPhase.Final, 250)));
        }
    }

    [TestCase("smtp-sink", "CONNECT", "421", SmtpPhase.Greeting)]
    [TestCase("smtp-sink", "CONNECT", "554", SmtpPhase.Greeting)]
    [TestCase("smtp-sink", "CONNECT", "drop", SmtpPhase.Greeting)]
    [TestCase("smtp-sink", "EHLO", "421", SmtpPhase.Hello)]
    [TestCase("smtp-sink", "EHLO", "450", SmtpPhase.Hello)]
    [TestCase("smtp-sink", "EHLO", "554", SmtpPhase.Hello)]
    [TestCase("smtp-sink", "EHLO", "drop", SmtpPhase.Hello)]
    public async Task Open_Refused_TellsWhereAndWhat(string server, string phase, string reply, SmtpPhase expected)
    {
        var stage = await Of(server).PlayAsync(phase, reply);

        var failure = Assert.ThrowsAsync<SmtpOpenException>(() => OpenAsync(stage))!;

        Assert.That((failure.Phase, failure.Reply?.Code, failure.TimedOut), Is.EqualTo((expected, Code(reply), false)));
    }

    [TestCaseSource(nameof(Refusals))]
    public async Task Transact_Refused_EndsThereAndTheConnectionGoesOnUnlessTheAccountIsToBlame(string server, string phase, string reply)
    {
        var stage = await Of(server).PlayAsync(phase, reply);
        await using var connection = await OpenAsync(stage);
        var blamed = reply is "421" or "530";

        // Twice: the second transaction proves that both sides agree about where they are.
        for (var i = 0; i < (blamed ? 1 : 2); i++)
        {
            var result = await TransactAsync(connection, stage);

            var (at, code) =
                phase == "RCPT" && !blamed ? (SmtpPhase.Recipient, result.Recipients[0]?.Code) : (Phase(phase), result.Ending?.Code);
            Assert.That((result.End, result.Phase, code), Is.EqualTo((TransactionEnd.Answered, at, Code(reply))));
            Assert.That(connection.IsUsable, Is.EqualTo(!blamed));
        }
    }

    [TestCase("sandbox", "RCPT")]
    [TestCase("sandbox", "DOT")]
    [TestCase("smtp-sink", "MAIL")]
    [TestCase("smtp-sink", "RCPT")]
    [TestCase("smtp-sink", "DATA")]
    [TestCase("smtp-sink", "DOT")]
    [TestCase("aiosmtpd", "MAIL")]
    [TestCase("aiosmtpd", "RCPT")]
    [TestCase("aiosmtpd", "DATA")]
    [TestCase("aiosmtpd", "DOT")]
    public async Task Transact_ServerHangsUp_IsLostInThatPhase(string server, string phase)
    {
        var stage = await Of(server).PlayAsync(phase, PlayingServer.Drop);
        await using var connection = await OpenAsync(stage);

        var result = await TransactAsync(connection, stage);

        Assert.That((result.End, result.Phase), Is.EqualTo((TransactionEnd.Lost, Phase(phase))));
        Assert.That(connection.IsUsable, Is.False);
    }

    private static IEnumerable<object[]> Refusals()
    {
        foreach (
            var (phase, replies) in new[]
            {
                ("MAIL", "421 450 554"),
                ("RCPT", "421 451 550"),
                ("DATA", "421 451 554"),
                ("DOT", "421 451 554"),
            }
        )
        {
            foreach (var reply in replies.Split(' '))
            {
                yield return ["smtp-sink", phase, reply];
                yield return ["postfix", phase, reply];
                yield return ["aiosmtpd", phase, reply];
            }
        }

        foreach (var reply in new[] { "421", "451", "530", "550" })
            yield return ["sandbox", "RCPT", reply];
        foreach (var reply in new[] { "451", "554" })
            yield return ["sandbox", "DOT", reply];
    }

    private static SmtpPhase Phase(string phase) =>
        phase switch
        {
            "MAIL" => SmtpPhase.Mail,
            "RCPT" => SmtpPhase.Recipient,
            "DATA" => SmtpPhase.Data,
            "DOT" => SmtpPhase.Final,
            _ => throw new ArgumentOutOfRangeException(nameof(phase), phase, null),
        };

    private static int? Code(string reply) => int.TryParse(reply, out var code) ? code : null;

    private PlayingServer Of(string name)
    {
        if (!_servers.TryGetValue(name, out var server))
            _servers.Add(name, server = PlayingServer.Named(name));
        return server;
    }

    private static Task<SmtpConnection> OpenAsync(Stage stage) =>
        SmtpConnection
            .OpenAsync(
                Sample.Account(stage.Port),
                new IPEndPoint(IPAddress.Loopback, stage.Port),
                new() { HelloName = "client.test" },
                TimeProvider.System,
                CancellationToken.None
            )
            .WaitAsync(Generous);

    private static async Task<TransactionResult> TransactAsync(SmtpConnection connection, Stage stage)
    {
        var content = Sample.Content(sender: stage.Sender, recipients: [stage.Recipient]);
        using var rendered = new MimeComposer(new()).Compose(content, [], [], null);
        return await connection
            .TransactAsync(new(Envelope.Of(content), rendered), Sample.Mark(), null, CancellationToken.None, CancellationToken.None)
            .WaitAsync(Generous);
    }
}
