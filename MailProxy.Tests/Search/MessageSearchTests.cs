using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Search;
using NUnit.Framework;

namespace MailProxy.Tests.Search;

public sealed class MessageSearchTests
{
    private const long Now = 1_800_000_000_000;

    private static IEnumerable<TestCaseData> Understood()
    {
        TestCaseData Case(string text, params MessageTerm[] terms) => new TestCaseData(text, terms).SetArgDisplayNames(text);

        yield return Case("");
        yield return Case("   ");
        yield return Case("invoice", new MessageTerm.Word("invoice"));
        yield return Case("-invoice", new MessageTerm.Word("invoice") { Not = true });
        yield return Case("-", new MessageTerm.Word("-"));
        yield return Case("\"two words\"", new MessageTerm.Word("two words"));
        yield return Case("\"order:17\"", new MessageTerm.Word("order:17"));
        yield return Case("10:30", new MessageTerm.Word("10:30"));
        yield return Case("TO:Ann@Example.com", new MessageTerm.Recipient("Ann@Example.com"));
        yield return Case("to:@example.com", new MessageTerm.RecipientDomain("example.com"));
        yield return Case("to:ann@müller.example", new MessageTerm.Recipient("ann@xn--mller-kva.example"));
        yield return Case("to:@müller.example", new MessageTerm.RecipientDomain("xn--mller-kva.example"));
        yield return Case("from:shop@example.com", new MessageTerm.Sender("shop@example.com"));
        yield return Case("from:@example.com", new MessageTerm.SenderDomain("example.com"));
        yield return Case("id:order:17", new MessageTerm.Id("order:17"));
        yield return Case("message_id:a@b message_id:<a@b>", new MessageTerm.MessageId("<a@b>"), new MessageTerm.MessageId("<a@b>"));
        yield return Case("batch:news-11 tag:order", new MessageTerm.InBatch("news-11"), new MessageTerm.Tagged("order"));
        yield return Case("subject:\"a \\\"b\\\" \\\\ c\"", new MessageTerm.Subject("a \"b\" \\ c"));
        yield return Case("reply:\"rate limit\" x", new MessageTerm.Reply("rate limit"), new MessageTerm.Word("x"));
        yield return Case("age:>1h", new MessageTerm.Before(Now - 3_600_000));
        yield return Case("age:<10m", new MessageTerm.Since(Now - 600_000));
        yield return Case("age:>2W", new MessageTerm.Before(Now - 14 * 86_400_000L));
        yield return Case("-age:>1d", new MessageTerm.Before(Now - 86_400_000) { Not = true });
        yield return Case("created:>2026-11-01T00:00:00Z", new MessageTerm.Since(1_793_491_200_000));
        yield return Case("created:<1793491200", new MessageTerm.Before(1_793_491_200_000));
        yield return Case("priority:high priority:3", new MessageTerm.OfPriority(Priority.High), new MessageTerm.OfPriority(Priority.Low));
        yield return Case("code:550", new MessageTerm.ReplyCode(550, 550));
        yield return Case("code:4", new MessageTerm.ReplyCode(400, 499));
        yield return Case("code:42", new MessageTerm.ReplyCode(420, 429));
        yield return Case("code:4.7.0", new MessageTerm.EnhancedCode("4.7.0"));
        yield return Case("code:5.1", new MessageTerm.EnhancedCode("5.1"));
    }

    [TestCaseSource(nameof(Understood))]
    public void Read_WhatIsMeant(string text, MessageTerm[] terms)
    {
        var read = Search.Read(text, out var mistakes);

        Assert.That(mistakes, Is.Empty);
        Assert.That(read, Is.EqualTo(terms));
    }

    [Test]
    public void Read_StatusAndNames_AreLookedUp()
    {
        var read = Search.Read("status:Deferred,failed account:relay account:none pool:all", out var mistakes);

        Assert.Multiple(() =>
        {
            Assert.That(mistakes, Is.Empty);
            Assert.That(((MessageTerm.InState)read[0]).Any, Is.EqualTo(new[] { MessageState.Deferred, MessageState.Failed }));
            Assert.That(((MessageTerm.ByAccount)read[1]).Any, Is.EqualTo(new[] { new AccountKey(7) }));
            Assert.That(((MessageTerm.ByAccount)read[2]).Any, Is.Empty);
            Assert.That(((MessageTerm.InPool)read[3]).Any, Is.EqualTo(new[] { new PoolKey(3) }));
        });
    }

    [TestCase("statsu:failed", "At character 1: statsu: is unknown; known are id, ")]
    [TestCase("a -statsu:failed", "At character 3: statsu: is unknown")]
    [TestCase("x status:broken", "At character 3: status: takes queued, ")]
    [TestCase("status:", "At character 1: status: needs a value.")]
    [TestCase("status: failed", "At character 1: status: needs a value.")]
    [TestCase("\"\"", "At character 1: a word is empty.")]
    [TestCase("to:ann \"open", "The quotation mark at character 8 is not closed.")]
    [TestCase("\"open\\\"", "The quotation mark at character 1 is not closed.")]
    [TestCase("age:1h", "At character 1: age: takes > or <")]
    [TestCase("age:>", "age: takes")]
    [TestCase("age:>1y", "age: takes")]
    [TestCase("age:>99999999999999999999d", "age: takes")]
    [TestCase("age:>-1h", "age: takes")]
    [TestCase("created:yesterday", "created: takes > or < and a time")]
    [TestCase("created:>yesterday", "created: takes")]
    [TestCase("code:abc", "code: takes")]
    [TestCase("code:5.", "code: takes")]
    [TestCase("code:..", "code: takes")]
    [TestCase("code:999", "code: takes")]
    [TestCase("code:1.2.3", "code: takes")]
    [TestCase("code:5.1.1.1", "code: takes")]
    [TestCase("code:5501", "code: takes")]
    [TestCase("priority:9", "priority: One of immediate")]
    [TestCase("id:a\0b", "no NUL")]
    public void Read_Mistake_NamesThePlaceAndTheRemedy(string text, string wanted)
    {
        Search.Read(text, out var mistakes);
        Assert.That(mistakes, Has.Count.EqualTo(1).And.One.Contains(wanted));
    }

    [Test]
    public void Read_TooLongOrTooManyWords_IsRefused()
    {
        Search.Read(new string('a', MessageSearch.MaxLength + 1), out var tooLong);
        Search.Read(string.Join(' ', Enumerable.Repeat("a", MessageSearch.MaxWords + 1)), out var tooMany);
        Search.Read("subject:" + new string('a', 501), out var longValue);

        Assert.That(tooLong, Has.One.Contains("1000 characters at most"));
        Assert.That(tooMany, Has.One.Contains("20 words at most"));
        Assert.That(longValue, Has.One.Contains("500 characters at most"));
    }

    [Test]
    public void Read_AnyText_IsReadOrRefused()
    {
        string[] pieces = ["to:", "-", "\"", "\\", " ", "a", "status:", ":", "failed", ">", "age:", "\t", "é", "\uD800", "code:", ".", "5"];
        var dice = new Random(16);
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, dice.Next(12)).Select(_ => pieces[dice.Next(pieces.Length)]));
            var terms = Search.Read(text, out var mistakes);
            Assert.That(terms.Count > 0 || mistakes.Count > 0 || string.IsNullOrWhiteSpace(text), text);
        }
    }

    private static MessageSearch Search { get; } =
        new(static name => name == "relay" ? [new(7)] : [], static name => name == "all" ? [new(3)] : [], Now);
}
