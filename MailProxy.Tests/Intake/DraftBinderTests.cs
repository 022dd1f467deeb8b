using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;
using NUnit.Framework;

namespace MailProxy.Tests.Intake;

internal sealed class DraftBinderTests
{
    private static Draft Bind(string json) => DraftBinder.BindOne(Encoding.UTF8.GetBytes(json));

    [Test]
    public void BindOne_GoodMessage_KeepsItsBytes()
    {
        var bytes = Encoding.UTF8.GetBytes("{ \"id\":\"a\" , \"subject\":\"\\u00fc\" }");

        var draft = DraftBinder.BindOne(bytes);

        Assert.That((draft.Problem, draft.Mail?.Id, draft.Mail?.Subject), Is.EqualTo(((object?)null, "a", "ü")));
        Assert.That(draft.Json, Is.EqualTo(new ReadOnlyMemory<byte>(bytes)));
    }

    [Test]
    public void BindOne_ByteOrderMark_IsSkipped() => Assert.That(Bind("\uFEFF{}").Problem, Is.Null);

    [TestCase("", "line 1, byte 1")]
    [TestCase("   ", "line 1, byte 4")]
    [TestCase("{", "line 1, byte 2")]
    [TestCase("{\"to\":\"a\",}", "line 1, byte 11")]
    [TestCase("{\n \"to\": x}", "line 2, byte 8")]
    [TestCase("{} {}", "line 1, byte 4")]
    [TestCase("{'to':1}", "line 1, byte 2")]
    [TestCase("{\"a\":01}", "line 1")]
    [TestCase("{\"a\":\"\n\"}", "line 1")]
    [TestCase("// x\n{}", "line 1, byte 1")]
    [TestCase("{\"subject\":\"\\ud800\"}", "half of a surrogate pair: line 1, byte 13")]
    [TestCase("{\"subject\":\"\\udc00\\ud800\"}", "half of a surrogate pair: line 1, byte 13")]
    [TestCase("{\"subject\":\"\\ud800x\\udc00\"}", "half of a surrogate pair: line 1, byte 13")]
    [TestCase("{\"\\uDFFF\":1}", "half of a surrogate pair: line 1, byte 3")]
    public void BindOne_MalformedJson_SaysWhere(string json, string where)
    {
        var problem = Bind(json).Problem!;

        Assert.That((problem.Status, problem.Code), Is.EqualTo((400, "malformed_json")));
        Assert.That(problem.Detail, Does.Contain(where));
    }

    [TestCase("{\"subject\":\"\\ud83d\\ude00\"}", "😀")]
    [TestCase("{\"subject\":\"\\\\ud800\"}", "\\ud800")]
    [TestCase("{\"subject\":\"\\\\\\u0041\"}", "\\A")]
    public void BindOne_WholePairsAndEscapedBackslashes_AreRead(string json, string subject) =>
        Assert.That(Bind(json).Mail?.Subject, Is.EqualTo(subject));

    [Test]
    public void BindOne_InvalidUtf8_SaysWhere()
    {
        byte[] bytes = [.. "{\"id\":\"a\",\n\"subject\":\""u8, 0xC3, 0x28, .. "\"}"u8];

        Assert.That(DraftBinder.BindOne(bytes).Problem?.Detail, Is.EqualTo("The text is not UTF-8: line 2, byte 12."));
    }

    [TestCase(65)]
    [TestCase(1_000_000)]
    public void BindOne_TooDeep_IsMalformed(int depth)
    {
        var problem = Bind($"{{\"metadata\":{{\"a\":{new string('[', depth)}{new string(']', depth)}}}}}").Problem!;

        Assert.That((problem.Status, problem.Code), Is.EqualTo((400, "malformed_json")));
        Assert.That(problem.Detail, Does.Contain("64 levels"));
    }

    [TestCase("null", "", "invalid_type")]
    [TestCase("[]", "", "invalid_type")]
    [TestCase("\"text\"", "", "invalid_type")]
    [TestCase("{\"subject\":1}", "/subject", "invalid_type")]
    [TestCase("{\"text\":{}}", "/text", "invalid_type")]
    [TestCase("{\"id\":true}", "/id", "invalid_type")]
    [TestCase("{\"headers\":[]}", "/headers", "invalid_type")]
    [TestCase("{\"headers\":{\"X-A\":1}}", "/headers/X-A", "invalid_type")]
    [TestCase("{\"headers\":{\"a.b/c~d'e\":1}}", "/headers/a.b~1c~0d'e", "invalid_type")]
    [TestCase("{\"headers\":{\"a][b\":1}}", "/headers/a][b", "invalid_type")]
    [TestCase("{\"headers\":{\"\":1}}", "/headers/", "invalid_type")]
    [TestCase("{\"attachments\":{}}", "/attachments", "invalid_type")]
    [TestCase("{\"attachments\":[{},7]}", "/attachments/1", "invalid_type")]
    [TestCase("{\"attachments\":[{},{\"content\":[]}]}", "/attachments/1/content", "invalid_type")]
    [TestCase("{\"tags\":\"a\"}", "/tags", "invalid_type")]
    [TestCase("{\"tags\":[\"a\",1]}", "/tags/1", "invalid_type")]
    [TestCase("{\"metadata\":[]}", "/metadata", "invalid_type")]
    [TestCase("{\"subject\":\"a\",\"subject\":\"b\"}", "/subject", "duplicate_field")]
    [TestCase("{\"subject\":\"a\",\"\\u0073ubject\":\"b\"}", "/subject", "duplicate_field")]
    [TestCase("{\"x/y\":1,\"x/y\":2}", "/x~1y", "duplicate_field")]
    [TestCase("{\"headers\":{\"A\":\"1\",\"A\":\"2\"}}", "/headers/A", "duplicate_field")]
    [TestCase("{\"attachments\":[{},{\"z\":1,\"z\":2}]}", "/attachments/1/z", "duplicate_field")]
    [TestCase("{\"metadata\":{\"a\":[[0],{\"b\":1,\"b\":2}]}}", "/metadata/a/1/b", "duplicate_field")]
    public void BindOne_WrongShape_PointsAtIt(string json, string pointer, string code)
    {
        var draft = Bind(json);

        Assert.That(draft.Mail, Is.Null);
        Assert.That(draft.Problem!.Status, Is.EqualTo(422));
        Assert.That(draft.Problem.Errors.Select(e => (e.Pointer, e.Code)), Is.EqualTo(new[] { (pointer, code) }));
    }

    [Test]
    public void BindOne_UnknownMembers_AreLeftToTheRulesSoThatAllMistakesAreToldAtOnce() =>
        Assert.That(Bind("{\"x\":1,\"y\":2}").Mail?.Unknown?.Keys, Is.EqualTo(new[] { "x", "y" }));
}
