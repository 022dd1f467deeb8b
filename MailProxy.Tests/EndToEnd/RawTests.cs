using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Whole messages: what was judged, what is stored, what <c>raw</c> shows and what the server gets are the same octets.</summary>
[TestFixture]
internal sealed class RawTests : DaemonFixture
{
    private static readonly Gen<string> Head = Gen.OneOf(
            "From: a@x.example\r\n",
            "From: a@x.example\n",
            "From: a@x.example\n",
            "from:\n\ta@x.example\r\n",
            "From: ceo@bank.example\r\n",
            "FROM : a@x.example\n",
            "Subject: x\n",
            "Subject: ü\n",
            "X: a\rFrom: ceo@bank.example\r\n",
            "Bcc: s@x.example\n",
            "X-Mail-Key: v/1\n",
            "Received: by x\r\n\tlater\n",
            "Return-Path: <r@x>\n",
            "no colon\n",
            " \n",
            "\0From: ceo@bank.example\n",
            "From: a@x.example <ceo@bank.example>\n",
            "Message-ID: <m@x> (c)\n",
            "Date: then\n",
            "From x Mon\n"
        )
        .Array[1, 4]
        .Select(lines => string.Concat(lines));

    private static readonly Gen<string> Body = Gen.OneOf(
            "\r\n",
            "\n",
            "\r",
            ".",
            "..",
            "text",
            "From: ceo@bank.example",
            "MAIL FROM:<e@x>",
            "\0",
            new string('y', 500),
            "ü",
            " ",
            "\n.\n",
            "\r.\r\n"
        )
        .Array[0, 12]
        .Select(pieces => string.Concat(pieces));

    private static readonly Gen<string> Raw = Gen.Select(Head, Gen.OneOf("\r\n", "\n", ""), Body, (head, end, body) => head + end + body);

    private ScriptedSmtpServer _server = null!;

    protected override (string Name, string Value)[] Settings => [("Retention:Content", "1d")];

    [SetUp]
    public async Task StartAsync()
    {
        _server = new();
        string[] allowed = ["@x.example"];
        var account = new
        {
            host = "127.0.0.1",
            port = _server.Port,
            security = "none",
            from_allowed = allowed,
            max_connections = 1,
        };
        Assert.That(await _daemon.SendAsync(HttpMethod.Put, "/v1/accounts/main", account), Is.EqualTo(HttpStatusCode.Created));
    }

    [TearDown]
    public ValueTask StopAsync() => _server.DisposeAsync();

    [Test]
    public async Task Raw_AnyOctets_ArriveAsTheyAreShownWithOneAllowedFrom()
    {
        var raws = new List<string>();
        Raw.Sample(
            raw =>
            {
                lock (raws)
                    raws.Add(raw);
            },
            iter: 600
        );
        var answer = await PostAsync(raws.Index().Select(r => Message(r.Item, $"m-{r.Index}")));
        var accepted = answer.Where(line => (string?)line!["status"] == "queued").Select(line => (string)line!["id"]!).ToList();

        await _daemon.EventsAsync(e => e.Type == EventType.MessageSent, accepted.Count);
        var shown = new List<string>();
        foreach (var id in accepted)
            shown.Add(Encoding.Latin1.GetString(await _daemon.Http.GetByteArrayAsync($"/v1/messages/{id}/raw")));
        var arrived = _server.Mails.Select(mail => Encoding.Latin1.GetString(mail.Data)).ToList();

        Assert.That(accepted, Has.Count.GreaterThan(20));
        Assert.That(arrived, Is.EquivalentTo(shown));
        Assert.That(shown.Select(Fault).OfType<string>(), Is.Empty);
    }

    [Test]
    public async Task Raw_SameIdWithOtherLineEnds_IsTheSameMessage()
    {
        await _daemon.SendAsync(HttpMethod.Post, "/v1/accounts/main/pause");

        var first = await PostAsync([Message("From: a@x.example\r\n\r\nhi\r\n", "m"), Message("From: a@x.example\n\nhi", "m")]);

        Assert.That(first.Select(line => (string?)line!["status"]), Is.All.EqualTo("queued"));
        Assert.That((await _daemon.GetAsync("/v1/messages/m/events"))["data"]!.AsArray(), Has.Count.EqualTo(1));
    }

    [TestCase("bounces@x.example", null)]
    [TestCase("", null)]
    [TestCase("bounces@y.example", "/return_path from_not_allowed")]
    [TestCase("bounces@sub.x.example", "/return_path from_not_allowed")]
    public async Task ReturnPath_IsHeldToFromAllowed(string path, string? mistake)
    {
        var raw = Convert.ToBase64String("From: a@x.example\n\nhi"u8);
        foreach (
            var content in new JsonObject[]
            {
                new() { ["text"] = "x" },
                new() { ["raw"] = raw },
            }
        )
        {
            (content["from"], content["to"], content["return_path"]) = ("a@x.example", "b@y.example", path);
            using var answer = await _daemon.Http.PostAsJsonAsync("/v1/messages", content);
            var error = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["errors"]?[0];

            Assert.That(error is null ? null : $"{error["pointer"]} {error["code"]}", Is.EqualTo(mistake));
        }
    }

    private static JsonObject Message(string raw, string id) =>
        new()
        {
            ["id"] = id,
            ["to"] = "b@y.example",
            ["raw"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(raw)),
        };

    private async Task<JsonArray> PostAsync(IEnumerable<JsonObject> messages)
    {
        var batch = new JsonObject { ["messages"] = new JsonArray([.. messages]) };
        using var answer = await _daemon.Http.PostAsJsonAsync("/v1/messages/batch", batch);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["results"]!.AsArray();
    }

    private static string? Fault(string mail)
    {
        var head = mail.Split("\r\n").TakeWhile(line => line.Length > 0).ToList();
        var from = head.FindAll(line => line.StartsWith("from", StringComparison.OrdinalIgnoreCase));
        var unfit = mail.Replace("\r\n", "", StringComparison.Ordinal).IndexOfAny(['\r', '\n', '\0']) >= 0;
        if (unfit || !mail.EndsWith("\r\n", StringComparison.Ordinal))
            return $"octets: {mail}";
        if (from is not [var one] || one.Contains("bank", StringComparison.Ordinal))
            return $"From: {mail}";
        if (!head[0].StartsWith("X-Mail-Key: default/m-", StringComparison.Ordinal))
            return $"key: {mail}";
        return head.Exists(line => line.StartsWith("Bcc", StringComparison.Ordinal) || line.EndsWith("v/1", StringComparison.Ordinal))
            ? $"header: {mail}"
            : null;
    }
}
