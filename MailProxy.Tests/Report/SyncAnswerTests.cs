using System.Text;
using MailProxy.Pipeline.Report;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

public sealed class SyncAnswerTests
{
    [TestCase("""{"ok":true,"queued":3,"next_sync_after":1700000000,"error":["a","b"],"not_found":["c"]}""", 3, 1_700_000_000L, "a,b")]
    [TestCase("""{"next_sync_after":1700000000.25}""", 0, 1_700_000_001L, "")]
    [TestCase("""{"queued":-1}""", -1, null, "")]
    [TestCase("""{"ok":true}""", 0, null, "")]
    [TestCase("", 0, null, "")]
    [TestCase("OK", 0, null, "")]
    [TestCase("[]", 0, null, "")]
    [TestCase("null", 0, null, "")]
    [TestCase("""{"queued":"3","next_sync_after":"soon","error":"a"}""", 0, null, "")]
    [TestCase("""{"queued":1e300,"next_sync_after":-1e300,"error":[1,null,{"a":1},["b"],"c","\ud800"]}""", 0, null, "c")]
    [TestCase("""{"\ud800":1}""", 0, null, "")]
    [TestCase("""{"queued":2,"\udfff":{"error":["x"]}}""", 0, null, "")]
    [TestCase("""{"queued":1""", 0, null, "")]
    public void Read_Whatever_SaysWhatCanBeUnderstood(string body, long queued, long? after, string errors)
    {
        var answer = SyncAnswer.Read(Encoding.UTF8.GetBytes(body));
        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Queued, answer.NextSyncAfter), Is.EqualTo((queued, after)));
            Assert.That(string.Join(',', answer.Errors.Order()), Is.EqualTo(errors));
        }
    }

    [Test]
    public void Read_NotUtf8_SaysNothing() => Assert.That(SyncAnswer.Read(new byte[] { 0xff, 0xfe, 0x00 }).Queued, Is.Zero);
}
