using System.Text;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

internal sealed class ContentHashTests
{
    private static string? Hash(string json) => ContentHash.Of(Encoding.UTF8.GetBytes(json)) is { } hash ? Convert.ToHexString(hash) : null;

    [TestCase(
        "{\"subject\":\"a\",\"text\":\"b\"}",
        "{ \"text\" : \"b\", \"subject\":\"\\u0061\" }",
        Description = "order, spacing, escapes"
    )]
    [TestCase("{\"subject\":\"a\"}", "{\"id\":\"m\",\"subject\":\"a\",\"cc\":null}", Description = "the id and nulls")]
    [TestCase("{\"to\":\"a@x\"}", "{\"to\":[{\"email\":\"a@x\"}]}", Description = "ways to write an address")]
    [TestCase("{\"priority\":1}", "{\"priority\":\"high\"}", Description = "ways to write a priority")]
    [TestCase("{\"send_at\":1893499200}", "{\"send_at\":\"2030-01-01T13:00:00+01:00\"}", Description = "ways to write a time")]
    [TestCase(
        "{\"metadata\":{\"a\":{\"x\":1,\"y\":\"z\"},\"b\":2}}",
        "{\"metadata\":{\"b\":2,\"a\":{\"y\":\"\\u007a\",\"x\":1}}}",
        Description = "order of metadata"
    )]
    public void Of_SameContentWrittenOtherwise_IsEqual(string one, string other) => Assert.That(Hash(other), Is.EqualTo(Hash(one)));

    [TestCase("{\"subject\":\"a\"}", "{\"text\":\"a\"}")]
    [TestCase("{\"subject\":\"a\"}", "{\"subject\":\"A\"}")]
    [TestCase("{\"subject\":\"\"}", "{}")]
    [TestCase("{\"text\":\"ab\",\"html\":\"c\"}", "{\"text\":\"a\",\"html\":\"bc\"}")]
    [TestCase("{\"to\":[\"a@x\",\"b@x\"]}", "{\"to\":[\"a@x\"],\"cc\":[\"b@x\"]}")]
    [TestCase("{\"to\":[\"a@x\",\"b@x\"]}", "{\"to\":[\"b@x\",\"a@x\"]}")]
    [TestCase("{\"tags\":[\"a\",\"b\"]}", "{\"tags\":[\"ab\"]}")]
    [TestCase("{\"headers\":{\"a\":\"b\"}}", "{\"headers\":{\"b\":\"a\"}}")]
    [TestCase("{\"metadata\":{\"a\":1}}", "{\"metadata\":{\"a\":\"1\"}}")]
    [TestCase("{\"metadata\":{\"a\":[\"b\",\"c\"]}}", "{\"metadata\":{\"a\":[\"b\\\",\\\"c\"]}}")]
    [TestCase("{\"account\":\"a\"}", "{}")]
    [TestCase("{\"attachments\":[{\"filename\":\"a\"},{\"content\":\"b\"}]}", "{\"attachments\":[{\"filename\":\"a\",\"content\":\"b\"}]}")]
    [TestCase(
        "{\"alternatives\":[{\"content_type\":\"text/x\",\"content\":\"a\"}]}",
        "{\"alternatives\":[{\"content_type\":\"text/x\",\"content\":\"b\"}]}"
    )]
    [TestCase("{\"alternatives\":[{\"content_type\":\"text/x\",\"content\":\"a\"}]}", "{}")]
    public void Of_OtherContent_Differs(string one, string other) => Assert.That(Hash(other), Is.Not.EqualTo(Hash(one)));

    [TestCase("null")]
    [TestCase("7")]
    [TestCase("{")]
    public void Of_NoDraft_IsNull(string json) => Assert.That(Hash(json), Is.Null);

    // Stored hashes outlive releases: this one may never change.
    [Test]
    public void Of_AKnownDraft_IsWhatItAlwaysWas() =>
        Assert.That(
            Hash("{\"from\":\"a@x\",\"to\":[\"b@y\"],\"subject\":\"s\",\"text\":\"t\",\"tags\":[\"u\"],\"metadata\":{\"k\":1}}"),
            Is.EqualTo("9EED3A06E59BB06DA37E4A2142855BFBBDD77BD1EBA76B1366A903ED99967F5E")
        );
}
