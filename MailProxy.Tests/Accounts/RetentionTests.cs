using MailProxy.Pipeline.Accounts;
using NUnit.Framework;

namespace MailProxy.Tests.Accounts;

[TestFixture]
public sealed class RetentionTests
{
    [TestCase("none", null)]
    [TestCase("until_reported", null)]
    [TestCase("1d", 1)]
    [TestCase("7d", 7)]
    [TestCase("3650d", 3650)]
    public void Parse_KnownForm_IsKept(string text, int? days)
    {
        var parsed = Retention.Parse(text);
        Assert.That((parsed?.ToString(), parsed?.Days), Is.EqualTo((text, days)));
    }

    [TestCase("")]
    [TestCase("d")]
    [TestCase("0d")]
    [TestCase("07d")]
    [TestCase("-1d")]
    [TestCase(" 7d")]
    [TestCase("3651d")]
    [TestCase("99999999999d")]
    [TestCase("7")]
    [TestCase("7h")]
    [TestCase("None")]
    public void Parse_AnythingElse_IsNull(string text) => Assert.That(Retention.Parse(text), Is.Null);
}
