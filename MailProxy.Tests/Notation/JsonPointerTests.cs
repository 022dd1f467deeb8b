using NUnit.Framework;

namespace MailProxy.Tests.Notation;

public sealed class JsonPointerTests
{
    [TestCase("plain", "plain")]
    [TestCase("a/b", "a~1b")]
    [TestCase("m~n", "m~0n")]
    [TestCase("~1", "~01")]
    [TestCase("/~", "~1~0")]
    [TestCase("", "")]
    public void Escape_AndBack_IsTheSameName(string name, string token)
    {
        Assert.That(JsonPointer.Escape(name), Is.EqualTo(token));
        Assert.That(JsonPointer.Unescape(token), Is.EqualTo(name));
    }

    [Test]
    public void Short_OfAnEndlessName_IsItsBeginning() =>
        Assert.That(JsonPointer.Short("/" + new string('x', 1_000_000)), Has.Length.LessThan(400).And.EndsWith("…"));
}
