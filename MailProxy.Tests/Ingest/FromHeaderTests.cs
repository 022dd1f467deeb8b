using MailProxy.Pipeline.Ingest;
using NUnit.Framework;

namespace MailProxy.Tests.Ingest;

internal sealed class FromHeaderTests
{
    [TestCase("a@x.example", "a@x.example")]
    [TestCase("<a@x.example>", "a@x.example")]
    [TestCase("< a@x.example >", "a@x.example")]
    [TestCase("Ann Lee <a@x.example>", "a@x.example")]
    [TestCase("\"Lee, Ann (x) <b@y.example>\" <a@x.example>", "a@x.example")]
    [TestCase("John X. Doe [Sales] <a@x.example>", "a@x.example")]
    [TestCase("a@x.example (John X. \\) Doe (really))", "a@x.example")]
    [TestCase("(he) Ann (too) <a@x.example> (last)", "a@x.example")]
    [TestCase("=?utf-8?q?ceo=40bank=2Eexample?= <a@x.example>", "a@x.example")]
    [TestCase("\"=?utf-8?q?b=C3=A4?=\" <a@x.example>", "a@x.example")]
    [TestCase("A@x.example <a@x.example>", "a@x.example")]
    [TestCase("Bär <bär@bücher.example>", "bär@xn--bcher-kva.example")]
    [TestCase("\"a b\"@x.example", "\"a b\"@x.example")]
    [TestCase("<\"a>b\"@x.example>", "\"a>b\"@x.example")]
    [TestCase("a@[192.0.2.1]", "a@[192.0.2.1]")]
    [TestCase("a@x.example, \"b, c\" <b@y.example>,c@z.example", "a@x.example b@y.example c@z.example")]
    public void Read_WhatEverybodyReadsAlike_IsTaken(string written, string expected)
    {
        Assert.That(FromHeader.Read(written, 10, out var found), Is.Null);
        Assert.That(string.Join(' ', found.Select(m => m.Address)), Is.EqualTo(expected));
    }

    [TestCase("")]
    [TestCase("<>")]
    [TestCase("MAILER DAEMON <>")]
    [TestCase("foo")]
    [TestCase("Ann Lee")]
    [TestCase("friends: a@x.example, b@y.example;")]
    [TestCase("undisclosed:;")]
    [TestCase("<@relay.example:a@x.example>")]
    [TestCase("<@relay.example,@other.example:a@x.example>")]
    [TestCase("ceo@bank.example <a@x.example>")]
    [TestCase("a@x.example <ceo@bank.example> <a@x.example>")]
    [TestCase("<a@x.example> <ceo@bank.example>")]
    [TestCase("<a@x.example> ceo@bank.example")]
    [TestCase("a@x.example ceo@bank.example")]
    [TestCase("a@x.example; ceo@bank.example")]
    [TestCase("a@x.example,")]
    [TestCase(",a@x.example")]
    [TestCase("a@x.example,,b@y.example")]
    [TestCase("a(c)@x.example")]
    [TestCase("a@(c)x.example")]
    [TestCase("<a@x.example (c)>")]
    [TestCase("a @x.example")]
    [TestCase("a@x .example")]
    [TestCase("a@x.example (<ceo@bank.example>)")]
    [TestCase("a@x.example (never ends")]
    [TestCase("a@x.example )")]
    [TestCase("\"never ends <a@x.example>")]
    [TestCase("Ann <a@x.example")]
    [TestCase("Ann a@x.example>")]
    [TestCase("a@b@x.example")]
    [TestCase("=?utf-8?q?ceo=40bank.example=00?=@x.example")]
    [TestCase("<=?utf-8?q?ceo?=@x.example>")]
    [TestCase("=?utf-8?b?Y2VvQGJhbmsuZXhhbXBsZQA=?= <a@x.example>")]
    [TestCase("=?utf-8?q?x=0D=0AFrom:_ceo?= <a@x.example>")]
    [TestCase("Ann\u000b <a@x.example>")]
    [TestCase("Ann\u0085 <a@x.example>")]
    [TestCase("a\u202e@x.example")]
    [TestCase("a\\@x.example")]
    [TestCase("a@x.example.")]
    [TestCase("a@")]
    [TestCase("@x.example")]
    public void Read_WhatCanBeReadInTwoWays_IsNone(string written)
    {
        Assert.That(FromHeader.Read(written, 10, out var found), Is.Not.Null);
        Assert.That(found, Is.Empty);
    }

    [Test]
    public void Read_MoreThanAllowed_StopsThere()
    {
        Assert.That(FromHeader.Read("a@x, b@x, c@x", 3, out _), Is.Null);
        Assert.That(FromHeader.Read("a@x, b@x, c@x", 2, out _), Does.Contain("more than 2"));
    }
}
