using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>Raw mail in a store that a former version wrote as it came: it is sent in the form of the wire, or fails alone.</summary>
internal sealed class StoredRawTests
{
    private static readonly string LongLine = new('x', 999);

    private ScriptedSmtpServer _server = null!;
    private SendRig _rig = null!;

    [SetUp]
    public void Start()
    {
        _server = new();
        _rig = new(Sample.Account(_server.Port));
    }

    [TearDown]
    public async Task Stop()
    {
        await _rig.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Test]
    public async Task Send_StoredAsItCame_GoesOutInTheFormOfTheWire()
    {
        var outcome = await _rig.SendAsync(1, Stored("Bcc: s@x.example\nFrom: a@x.example\nX-Mail-Key: victim/1\n\n.\nhi\rthere"));

        Assert.That(Verdicts(outcome), Is.EqualTo(new[] { (Verdict.Accepted, "2.0.0") }));
        var sent = _server.Mails.Single().Text;
        Assert.That(sent, Does.StartWith("X-Mail-Key: default/m-1\r\nDate: "));
        Assert.That(sent, Does.EndWith("\r\nFrom: a@x.example\r\n\r\n.\r\nhi\r\nthere\r\n"));
        Assert.That(sent, Does.Not.Contain("victim").And.Not.Contain("Bcc"));
    }

    [TestCase("From: a@x.example\r\n\r\nbo\0dy\r\n", "NUL")]
    [TestCase("From: a@x.example\r\nX: \0\r\n\r\nhi\r\n", "NUL")]
    [TestCase("From: a@x.example\r\n\r\nlong\r\n", "998")]
    public async Task Send_OctetsThatNoMailMayHave_FailsForGoodAndTheNextGoesOut(string raw, string why)
    {
        var outcome = (Outcome.Attempted)await _rig.SendAsync(1, Stored(raw.Replace("long", LongLine, StringComparison.Ordinal)));
        var next = await _rig.SendAsync(2, Stored("From: a@x.example\r\n\r\nhi\r\n"));

        Assert.That(Verdicts(outcome), Is.EqualTo(new[] { (Verdict.Refused, "5.6.0") }));
        Assert.That(outcome.Verdicts[0].Reply, Does.Contain(why));
        Assert.That(Verdicts(next), Is.EqualTo(new[] { (Verdict.Accepted, "2.0.0") }));
        Assert.That(_server.Mails, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Send_Utf8InTheHeader_AsksForSmtpUtf8()
    {
        await _rig.SendAsync(1, Stored("From: a@x.example\r\nSubject: grün\r\n\r\nhi\r\n"));

        Assert.That(_server.Journal.Single(line => line.Contains("MAIL FROM", StringComparison.Ordinal)), Does.EndWith(" SMTPUTF8"));
    }

    [TestCase("SMTPUTF8", "From: a@x.example\r\nSubject: grün\r\n\r\nhi\r\n", "5.6.7")]
    [TestCase("8BITMIME", "From: a@x.example\r\n\r\ngrün\r\n", "5.6.3")]
    public async Task Send_ServerDoesNotOfferWhatItNeeds_IsNotSent(string missing, string raw, string code)
    {
        _server.Extensions.Remove(missing);

        var outcome = (Outcome.Unsendable)await _rig.SendAsync(1, Stored(raw));

        Assert.That((outcome.EnhancedCode, _server.Mails.Count), Is.EqualTo((code, 0)));
    }

    private static (Verdict, string?)[] Verdicts(Outcome outcome) =>
        [.. ((Outcome.Attempted)outcome).Verdicts.Select(v => (v.Verdict, v.EnhancedCode))];

    private static MailContent Stored(string raw) =>
        Sample.Content($$"""{"to":"b@y.example","raw":"{{Convert.ToBase64String(Encoding.UTF8.GetBytes(raw))}}"}""");
}
