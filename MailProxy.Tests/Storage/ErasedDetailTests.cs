using System.Text;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

public sealed class ErasedDetailTests
{
    private const string Ann = "ann@example.com";

    [TestCase("ann@example.com", "erased@erased.invalid")]
    [TestCase("<ANN@Example.com> is unknown", "<erased@erased.invalid> is unknown")]
    [TestCase("No ann@example.com. Sorry, ann@example.com", "No erased@erased.invalid. Sorry, erased@erased.invalid")]
    [TestCase("ann@example.com/quota", "erased@erased.invalid/quota")]
    public void Of_NamesTheAddress_NoMore(string text, string expected) => Assert.That(Erased(text), Is.EqualTo(expected));

    [TestCase("joann@example.com")]
    [TestCase("jo.ann@example.com")]
    [TestCase("ann@example.com.au")]
    [TestCase("ann@example.community")]
    [TestCase("ann@example.co")]
    [TestCase("nobody")]
    public void Of_NamesSomebodyElse_StaysAsItIs(string text) => Assert.That(Erased(text), Is.Null);

    [Test]
    public void Of_WholeDetail_KeepsEverythingElse()
    {
        var detail =
            "\"next_attempt_at\":\"2030-01-01T00:00:00Z\",\"recipients\":["
            + "{\"email\":\"ann@example.com\",\"smtp_code\":450,\"reply\":null},{\"email\":\"joann@example.com\",\"smtp_code\":null}]";
        Assert.That(
            Encoding.UTF8.GetString(ErasedDetail.Of(Encoding.UTF8.GetBytes(detail), Ann)!),
            Is.EqualTo(detail.Replace("\"ann@example.com", "\"erased@erased.invalid", StringComparison.Ordinal))
        );
    }

    private static string? Erased(string text)
    {
        var clean = ErasedDetail.Of(Encoding.UTF8.GetBytes($"\"reply\":\"{text}\""), Ann);
        return clean is null ? null : Encoding.UTF8.GetString(clean)["\"reply\":\"".Length..^1];
    }
}
