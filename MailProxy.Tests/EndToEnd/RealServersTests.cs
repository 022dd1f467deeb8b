using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.EndToEnd.Servers;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>
/// The same conversation with servers that others wrote, with all that an account may say about how far it goes ahead of the answers:
/// everything arrives once with its octets, and what is refused has that verdict.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed partial class RealServersTests : DaemonFixture
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    private readonly Dictionary<string, RealServer> _servers = [];

    protected override (string Name, string Value)[] Settings => [("Send:HelloName", "client.test")];

    [OneTimeTearDown]
    public async Task StopServersAsync()
    {
        foreach (var server in _servers.Values)
            await server.DisposeAsync();
    }

    [Test]
    public async Task Conversation_OverOneConnection_EachArrivesOnceOrIsRefused(
        [Values("smtp-sink", "smtp-sink that refuses", "postfix", "exim", "aiosmtpd", "opensmtpd")] string name,
        [Values("off", "envelope", "next", "chunking")] string ahead
    )
    {
        var server = await OfAsync(name);
        await PutAccountAsync(server.Port, ahead);
        var letters = Letters.Of($"{name.Replace(' ', '-')}-{ahead}");

        // All wait, so that they follow each other closely.
        await _daemon.SendAsync(HttpMethod.Post, "/v1/accounts/main/pause");
        foreach (var letter in letters)
            await _daemon.PostAsync(Message(letter));
        await _daemon.SendAsync(HttpMethod.Post, "/v1/accounts/main/resume");
        await _daemon.EventsAsync(e => e.Status.IsFinal(), letters.Count, Deadline);

        using (Assert.EnterMultipleScope())
        {
            foreach (var letter in letters)
                Assert.That(await VerdictAsync(letter.Id), Is.EqualTo(Expected(letter, server)), letter.Id);
        }

        // A connection each would say nothing about what follows what.
        Assert.That(Opened().Match(await _daemon.Http.GetStringAsync("/metrics")).Groups[1].Value, Is.AnyOf("1", "2"));
        await ArrivedOnceAsync(server, letters);
    }

    private static async Task ArrivedOnceAsync(RealServer server, IReadOnlyList<Letter> letters)
    {
        var wanted = letters
            .SelectMany(letter => Accepted(letter, server).Select(recipient => $"{letter.Id} {letter.Sender} {recipient}"))
            .ToList();
        var octets = letters.ToDictionary(letter => letter.Id, Letters.Octets);
        var arrived = await Eventually.BecomesAsync(
            () => Task.FromResult(server.Arrived().Where(mail => octets.ContainsKey(IdOf(mail))).ToList()),
            mails => mails.Count >= wanted.Count,
            Deadline
        );

        Assert.That(arrived.Select(mail => $"{IdOf(mail)} {mail.Sender} {mail.Recipient}"), Is.EquivalentTo(wanted));
        foreach (var mail in arrived)
            Assert.That(mail.Data.AsSpan().EndsWith(octets[IdOf(mail)]), Is.True, $"{IdOf(mail)}: its octets");
    }

    // Its X-Mail-Key says which it is, whatever has become of the rest.
    private static string IdOf(Arrival mail) =>
        Key().Match(Encoding.Latin1.GetString(mail.Data.AsSpan()[..Math.Min(mail.Data.Length, 4_096)])).Groups[1].Value;

    private static IEnumerable<string> Accepted(Letter letter, RealServer server) =>
        server.TakesFrom(letter.Sender) ? letter.Recipients.Where(server.TakesFor) : [];

    private static string Expected(Letter letter, RealServer server)
    {
        var accepted = Accepted(letter, server).ToHashSet();
        var state =
            accepted.Count == letter.Recipients.Length ? "sent"
            : accepted.Count > 0 ? "partially_sent"
            : "failed";
        var each = letter.Recipients.Select(to => accepted.Contains(to) ? $"{to} sent 250" : $"{to} failed 550");
        return $"{state} after 1: {string.Join(", ", each)}";
    }

    private async Task<string> VerdictAsync(string id)
    {
        var message = await _daemon.GetAsync($"/v1/messages/{id}");
        var each = message["recipients"]!.AsArray().Select(to => $"{to!["email"]} {to["status"]} {to["smtp_code"]}");
        return $"{message["status"]} after {message["attempts"]}: {string.Join(", ", each)}";
    }

    private async Task<RealServer> OfAsync(string name)
    {
        if (!_servers.TryGetValue(name, out var server))
            _servers.Add(name, server = await RealServer.StartAsync(name));
        return server;
    }

    private async Task PutAccountAsync(int port, string ahead)
    {
        var account = new
        {
            host = "127.0.0.1",
            port,
            security = "none",
            max_connections = 1,
            pipelining = ahead == "chunking" ? null : ahead,
            chunking = ahead == "chunking" ? 4 : 0,
        };
        Assert.That(await _daemon.SendAsync(HttpMethod.Put, "/v1/accounts/main", account), Is.EqualTo(HttpStatusCode.Created));
    }

    private static JsonObject Message(Letter letter) =>
        new()
        {
            ["id"] = letter.Id,
            ["account"] = "main",
            ["return_path"] = letter.Sender,
            ["to"] = new JsonArray([.. letter.Recipients.Select(to => (JsonNode)to)]),
            ["raw"] = Convert.ToBase64String(Letters.Octets(letter)),
        };

    [GeneratedRegex("(?mi)^X-Mail-Key: default/(.*?)\r?$")]
    private static partial Regex Key();

    [GeneratedRegex("(?m)^mailproxy_smtp_connections_opened_total{[^}]*account=\"main\"[^}]*} ([0-9]+)$")]
    private static partial Regex Opened();
}
