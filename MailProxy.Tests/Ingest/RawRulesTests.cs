using System.Text;
using System.Text.Json;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Ingest;

internal sealed class RawRulesTests
{
    private const string Head =
        "From: Ann <ann@x.example>\r\nTo: list@z.example\r\nSubject: =?utf-8?q?H=C3=B6?=\r\nMessage-ID: <one@x>\r\n";

    private static string Message(string raw, string more = "") =>
        $"{{\"to\":\"bob@y.example\",\"raw\":\"{Convert.ToBase64String(Encoding.UTF8.GetBytes(raw))}\"{more}}}";

    [Test]
    public void Judge_Raw_TakesSenderMessageIdAndSubjectFromIt()
    {
        var mail = Rules.Judge(Message(Head + "\r\nHello")).Mail!;

        Assert.That((mail.EnvelopeSender, mail.MessageIdHeader, mail.Subject), Is.EqualTo(("ann@x.example", "<one@x>", "Hö")));
        Assert.That(mail.Recipients, Is.EqualTo(new[] { "bob@y.example" }));
    }

    [TestCase("From: a@x\n\nbare line feeds")]
    [TestCase("From: a@x\r\n")]
    [TestCase("From: a@x")]
    [TestCase("From: a@x\r\nTo: b@x\r\nTO: c@x\r\nCc: d@x\r\nCc: e@x\r\n\r\nAs RFC 5322 4.5.3 reads it")]
    [TestCase("From: a@x\r\nX-Long: folded\r\n over lines\r\n\r\n")]
    public void Judge_OddButReadableRaw_IsAcceptedWithOurMessageId(string raw) =>
        Assert.That(Rules.Judge(Message(raw)).Mail?.MessageIdHeader, Is.EqualTo($"<{Rules.NextId}@x>"));

    [Test]
    public void Judge_FromFieldBesideRaw_IsTheEnvelopeSender() =>
        Assert.That(
            Rules.Judge(Message(Head + "\r\n", ",\"from\":\"bounces@z.example\"")).Mail!.EnvelopeSender,
            Is.EqualTo("bounces@z.example")
        );

    [Test]
    public void Judge_HeadersLongerThanTheFirstLook_AreReadToTheirEnd()
    {
        var filler = string.Concat(Enumerable.Repeat("X-Filler: " + new string('x', 900) + "\r\n", 200));
        var raw = filler + Head + "\r\n" + string.Concat(Enumerable.Repeat(new string('y', 900) + "\r\n", 500));

        Assert.That(Rules.Judge(Message(raw)).Mail!.MessageIdHeader, Is.EqualTo("<one@x>"));
    }

    [TestCase("")]
    [TestCase("\r\n\r\nno headers")]
    [TestCase("Hello, this is no message at all")]
    [TestCase("Subject: no from\r\n\r\n")]
    [TestCase("From: nobody\r\n\r\n")]
    [TestCase("From: a@x\r\nFrom: b@x\r\n\r\n")]
    [TestCase("From: a@x\r\nMessage-ID: none\r\n\r\n")]
    [TestCase("From: a@x\r\nMessage-ID: <a@x>\r\nMessage-ID: <b@x>\r\n\r\n")]
    public void Judge_UnreadableRaw_IsRefused(string raw) =>
        Assert.That(Rules.Judge(Message(raw)).Errors(), Is.EqualTo(new[] { ("/raw", "malformed_raw") }));

    [TestCase("From: a@x\r\nSubject: x\rFrom: ceo@y\r\n\r\nhi\r\n", "CR alone")]
    [TestCase("Subject: x\rFrom: ceo@y\r\nFrom: a@x\r\n\r\nhi\r\n", "CR alone")]
    [TestCase("From: a@x\r\nX: a\r\rFrom: ceo@y\r\n\r\nhi\r\n", "CR alone")]
    [TestCase("From: a@x\rTo: b@y\r\rhi\r", "CR alone")]
    [TestCase("\0From: ceo@y\r\nFrom: a@x\r\n\r\n", "NUL")]
    [TestCase("From: a@x\r\n\r\nb\0dy", "NUL")]
    [TestCase("From: a@x\nX: a\nFrom: ceo@y\n\nhi", "From")]
    [TestCase("From: a@x\r\nFROM : ceo@y\r\n\r\nhi", "without blanks")]
    [TestCase("From : a@x\r\n\r\nhi", "without blanks")]
    [TestCase("From: a@x\r\nSender: a@x\r\nsender: b@x\r\n\r\n", "Sender")]
    [TestCase("From: a@x\r\nReply-To: a@x\r\nReply-To: b@x\r\n\r\n", "Reply-To")]
    [TestCase("From: a@x\r\nDate: then\r\nDate: now\r\n\r\n", "Date")]
    [TestCase("From: a@x\r\nSubject: 1\r\nSubject: 2\r\n\r\n", "Subject")]
    [TestCase("From: a@x\r\nReferences: <a@b>\r\nReferences: <c@d>\r\n\r\n", "References")]
    [TestCase("From: a@x\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\n", "Content-Type")]
    [TestCase("From: a@x\r\nno colon here\r\n\r\nhi", "no colon here")]
    [TestCase("From: a@x\r\nhead without its end", "head without its end")]
    [TestCase(" From: a@x\r\n\r\nhi", "continuation")]
    [TestCase("From: a@x\r\n \r\n\r\nhi", "blanks only")]
    [TestCase("From: a@x\r\nSubject: s\r\n\t\r\n more\r\n\r\nhi", "blanks only")]
    [TestCase("   \r\nFrom: a@x\r\n\r\nhi", "blanks only")]
    [TestCase("From: a@x\r\n: nameless\r\n\r\nhi", "name")]
    [TestCase("From: a@x\r\nNäme: x\r\n\r\nhi", "name")]
    [TestCase("From:\r\n\r\nhi", "no address")]
    [TestCase("From: a@x\r\nMessage-ID:\r\n\r\nhi", "Message-ID")]
    [TestCase("From: a@x\r\nMessage-ID: <a@b> <c@d>\r\n\r\nhi", "Message-ID")]
    public void Judge_RawThatCanBeReadInTwoWays_IsRefusedAndSaysWhy(string raw, string why)
    {
        var problem = Rules.Judge(Message(raw)).Problem!;

        Assert.That(problem.Errors!.Select(e => (e.Pointer, e.Code)), Is.EqualTo(new[] { ("/raw", "malformed_raw") }));
        Assert.That(problem.Errors![0].Detail, Does.Contain(why));
    }

    [TestCase("From: \xe4@x\r\n\r\n")]
    [TestCase("From: a@x\r\nSubject: gr\xfc\xdfe\r\n\r\n")]
    public void Judge_HeaderIsNotUtf8_IsRefused(string latin1)
    {
        var json = $"{{\"to\":\"bob@y.example\",\"raw\":\"{Convert.ToBase64String(Encoding.Latin1.GetBytes(latin1))}\"}}";

        Assert.That(Rules.Judge(json).Errors(), Is.EqualTo(new[] { ("/raw", "malformed_raw") }));
    }

    [TestCase(998, true)]
    [TestCase(999, false)]
    public void Judge_LongLine_IsTakenUpToTheLimit(int octets, bool taken)
    {
        var line = new string('x', octets);

        Assert.That(Rules.Judge(Message($"From: a@x\r\n\r\n{line}\n{line}")).Mail is not null, Is.EqualTo(taken));
        Assert.That(Rules.Judge(Message($"From: a@x\nX:{line[2..]}\n\nhi")).Mail is not null, Is.EqualTo(taken));
    }

    [TestCase("<one@x> (a (nested) comment)", "<one@x>")]
    [TestCase("(before) <one@x>", "<one@x>")]
    [TestCase("\r\n <one@x>", "<one@x>")]
    [TestCase("<xxxx>", "<xxxx>")]
    [TestCase("<a@b@c>", "<a@b@c>")]
    [TestCase("<a05001902b7f1c33773e9@[134.84.183.138]>", "<a05001902b7f1c33773e9@[134.84.183.138]>")]
    [TestCase("bare@x", "<bare@x>")]
    public void Judge_MessageIdOfOldMail_IsTaken(string written, string expected) =>
        Assert.That(Rules.Judge(Message($"From: a@x\r\nMessage-ID: {written}\r\n\r\nhi")).Mail?.MessageIdHeader, Is.EqualTo(expected));

    [TestCase("X-Mail-Key: victim/1")]
    [TestCase("x-mail-key : victim/1")]
    public void Judge_RawWithOurOwnHeader_IsRefused(string header) =>
        Assert.That(Rules.Judge(Message($"From: a@x\r\n{header}\r\n\r\nhi")).Errors(), Does.Contain(("/raw", "reserved_header")));

    [Test]
    public void Judge_RawWithTheHeaderNamedInTheSettings_IsRefused()
    {
        var rules = Rules.With(new IngestOptions(), "X-Ours", Rules.Account(1, "a"));

        (string, string)[] reserved = [("/raw", "reserved_header")];
        Assert.That(Rules.Judge(Message("From: a@x\r\nX-OURS: 1\r\n\r\nhi"), rules).Errors(), Is.EqualTo(reserved));
        Assert.That(Rules.Judge(Message("From: a@x\r\nX-Mail-Key: 1\r\n\r\nhi"), rules).Errors(), Is.Empty);
    }

    [TestCase("From: a@x\r\nDate: d\r\n\r\nhi\r\n", "From: a@x\r\nDate: d\r\n\r\nhi\r\n")]
    [TestCase("From: a@x\nDate: d\n\nhi", "From: a@x\r\nDate: d\r\n\r\nhi\r\n")]
    [TestCase("From a@x Mon Jan 1 00:00:00 2001\nFrom: a@x\n\nFrom here", "From: a@x\r\n\r\nFrom here\r\n")]
    [TestCase(
        "Return-Path: <z@z>\nReceived: by x\nBcc: s@x\nFrom: a@x\nAuthentication-Results: x;\n\tspf=pass\n\nhi\ryou\r\r\n",
        "Received: by x\r\nFrom: a@x\r\n\r\nhi\r\nyou\r\n\r\n"
    )]
    public void Judge_Raw_IsStoredInTheOctetsOfTheWire(string raw, string expected)
    {
        var mail = Rules.Judge(Message(raw, ",\"tags\":[\"t\"]")).Mail!;
        using var stored = JsonDocument.Parse(mail.Body.Inline);

        Assert.That(stored.RootElement.GetProperty("raw").GetBytesFromBase64(), Is.EqualTo(Encoding.UTF8.GetBytes(expected)));
        Assert.That(stored.RootElement.EnumerateObject().Select(m => m.Name), Is.EqualTo(new[] { "to", "raw", "tags" }));
        Assert.That(mail.Body.Size, Is.EqualTo(mail.Body.Inline.Length));
    }

    [Test]
    public void Judge_SameMailWithOtherLineEnds_HasTheSameHash()
    {
        const string id = ",\"id\":\"m-1\"";
        var tidy = Rules.Judge(Message("From: a@x\r\n\r\nhi\r\n", id)).Mail!;
        var untidy = Rules.Judge(Message("From: a@x\nBcc: b@x\n\nhi", id)).Mail!;

        Assert.That(untidy.ContentHash, Is.EqualTo(tidy.ContentHash).And.EqualTo(ContentHash.Of(untidy.Body.Inline)));
        Assert.That(untidy.HashAsWritten, Is.EqualTo(ContentHash.Of(Encoding.UTF8.GetBytes(Message("From: a@x\nBcc: b@x\n\nhi")))));
        Assert.That(tidy.HashAsWritten, Is.Null);
    }

    [TestCase("%%%")]
    [TestCase("RnJvbTogYUB4DQoNC")]
    [TestCase("RnJvbTog YUB4DQoNCg==")]
    public void Judge_RawThatIsNotBase64_IsRefused(string raw) =>
        Assert.That(Rules.Judge($"{{\"to\":\"b@y\",\"raw\":\"{raw}\"}}").Errors(), Is.EqualTo(new[] { ("/raw", "invalid_base64") }));

    [Test]
    public void Judge_SeveralFromAndNoSender_AsksForOne()
    {
        const string two = "From: a@x, b@x\r\n";

        Assert.That(Rules.Judge(Message(two + "\r\n")).Errors(), Is.EqualTo(new[] { ("/from", "required") }));
        Assert.That(Rules.Judge(Message(two + "Sender: b@x\r\n\r\n")).Mail!.EnvelopeSender, Is.EqualTo("b@x"));
    }

    [Test]
    public void Judge_RawBesideOtherContent_IsRefusedForEach()
    {
        var line = Rules.Judge(
            Message(Head + "\r\n", ",\"subject\":\"s\",\"text\":\"t\",\"html\":\"h\",\"headers\":{},\"attachments\":[]")
        );

        Assert.That(
            line.Errors(),
            Is.EqualTo(
                new[]
                {
                    ("/subject", "raw_excludes"),
                    ("/text", "raw_excludes"),
                    ("/html", "raw_excludes"),
                    ("/headers", "raw_excludes"),
                    ("/attachments", "raw_excludes"),
                }
            )
        );
    }

    [Test]
    public void Judge_FromHeaderThatTheAccountMayNotUse_IsRefusedThoughTheFieldIsAllowed()
    {
        var rules = Rules.With(Rules.Account(1, "a", fromAllowed: "@x.example"));

        Assert.That(Rules.Judge(Message(Head + "\r\n"), rules).Errors(), Is.Empty);
        Assert.That(
            Rules.Judge(Message("From: evil@z\r\n\r\n", ",\"from\":\"a@x.example\""), rules).Errors(),
            Is.EqualTo(new[] { ("/raw", "from_not_allowed") })
        );
    }

    [TestCase("Sender: ceo@bank.example", "from_not_allowed")]
    [TestCase("Sender: a group: ann@x.example;", "from_not_allowed")]
    [TestCase("Sender: other@x.example", null)]
    public void Judge_SenderHeaderThatTheAccountMayNotUse_IsRefused(string header, string? code)
    {
        var rules = Rules.With(Rules.Account(1, "a", fromAllowed: "@x.example"));

        var codes = Rules.Judge(Message($"{header}\r\n{Head}\r\n"), rules).Errors().Select(e => e.Code);

        Assert.That(codes, Is.EqualTo(code is null ? [] : new[] { code }));
    }

    [Test]
    public void Judge_ManyFromMailboxes_IsOneMistake()
    {
        var rules = Rules.With(Rules.Account(1, "a", fromAllowed: [.. Enumerable.Range(0, 1_000).Select(i => $"@d{i}.example")]));
        string All(int count) => string.Join(",\r\n ", Enumerable.Range(0, count).Select(i => $"m{i}@d{i}.example"));
        string Many(int count) => Message($"From: {All(count)}\r\nSender: m0@d0.example\r\n\r\nhi");

        Assert.That(Rules.Judge(Many(100), rules).Errors(), Is.Empty);
        Assert.That(Rules.Judge(Many(101), rules).Errors(), Is.EqualTo(new[] { ("/raw", "malformed_raw") }));
        Assert.That(Rules.Judge(Many(10_000), rules).Errors(), Is.EqualTo(new[] { ("/raw", "malformed_raw") }));
    }

    [TestCase(1_400, true)]
    [TestCase(1_600, false)]
    public void Judge_RawThatGrowsByItsLineEnds_MayNotGrowBeyondARequest(int lines, bool taken)
    {
        var rules = Rules.With(new IngestOptions { MaxRequestBytes = 4_096 }, Rules.Account(1, "a"));

        (string, string)[] expected = taken ? [] : [("/raw", "too_large")];
        Assert.That(Rules.Judge(Message("From: a@x\n\n" + new string('\n', lines)), rules).Errors(), Is.EqualTo(expected));
    }
}
