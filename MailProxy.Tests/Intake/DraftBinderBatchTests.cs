using System.Text;
using MailProxy.Pipeline.Intake;
using NUnit.Framework;

namespace MailProxy.Tests.Intake;

internal sealed class DraftBinderBatchTests
{
    private static BoundBatch Bind(string json, int maxMessages = 10) =>
        DraftBinder.BindBatch(Encoding.UTF8.GetBytes(json), new() { MaxMessages = maxMessages });

    private static string Text(ReadOnlyMemory<byte> json) => Encoding.UTF8.GetString(json.Span);

    [Test]
    public void BindBatch_NoDefaults_SlicesWithoutCopying()
    {
        var bytes = Encoding.UTF8.GetBytes("{ \"messages\" : [ {\"id\":\"a\"} , { \"id\" : \"b\" } ] }");

        var batch = DraftBinder.BindBatch(bytes);

        Assert.That(batch.Drafts.Select(d => Text(d.Json)), Is.EqualTo(new[] { "{\"id\":\"a\"}", "{ \"id\" : \"b\" }" }));
        Assert.That(batch.Drafts[1].Json.Span.Overlaps(bytes), Is.True);
    }

    [Test]
    public void BindBatch_OneBadMessage_RefusesOnlyThatOne()
    {
        var batch = Bind("{\"messages\":[{\"id\":\"a\"},{\"id\":7},null,3,[],{\"id\":\"b\"}]}");

        Assert.That(batch.Problem, Is.Null);
        Assert.That(batch.Drafts.Select(d => d.Mail?.Id), Is.EqualTo(new[] { "a", null, null, null, null, "b" }));
        Assert.That(batch.Drafts.Select(d => d.Problem?.Status), Is.EqualTo(new int?[] { null, 422, 422, 422, 422, null }));
    }

    [TestCase("{}", "/messages", "required")]
    [TestCase("{\"messages\":[]}", "/messages", "required")]
    [TestCase("{\"messages\":null}", "/messages", "invalid_type")]
    [TestCase("{\"messages\":{}}", "/messages", "invalid_type")]
    [TestCase("{\"messages\":[{}],\"extra/~\":[1]}", "/extra~1~0", "unknown_field")]
    [TestCase("{\"messages\":[{}],\"messages\":[{}]}", "/messages", "duplicate_field")]
    [TestCase("{\"messages\":[{}],\"defaults\":{},\"defaults\":{}}", "/defaults", "duplicate_field")]
    [TestCase("{\"messages\":[{},{},{},{}]}", "/messages", "too_many_messages")]
    [TestCase("{\"messages\":[{}],\"defaults\":[]}", "/defaults", "invalid_type")]
    [TestCase("{\"messages\":[{}],\"defaults\":{\"subject\":7}}", "/defaults/subject", "invalid_type")]
    [TestCase("{\"messages\":[{}],\"defaults\":{\"subject\":\"\",\"subject\":\"\"}}", "/defaults/subject", "duplicate_field")]
    [TestCase("{\"messages\":[{}],\"defaults\":{\"sbject\":7}}", "/defaults/sbject", "unknown_field")]
    [TestCase("[]", "", "invalid_type")]
    [TestCase("7", "", "invalid_type")]
    public void BindBatch_WrongEnvelope_RefusesTheRequest(string json, string pointer, string code)
    {
        var problem = Bind(json, maxMessages: 3).Problem!;

        Assert.That(problem.Status, Is.EqualTo(422));
        Assert.That(problem.Errors.Select(e => (e.Pointer, e.Code)), Is.EqualTo(new[] { (pointer, code) }));
    }

    [TestCase("")]
    [TestCase("{\"messages\":[{}]")]
    [TestCase("{\"messages\":[{}]} x")]
    [TestCase("{\"messages\":[{},]}")]
    [TestCase("{\"messages\":[{\"a\":}]}")]
    [TestCase("{\"messages\":[{\"a\":\"\\ud800\"}]}")]
    [TestCase("{\"messages\":")]
    [TestCase("[")]
    public void BindBatch_MalformedJson_RefusesTheRequest(string json) =>
        Assert.That((Bind(json).Problem?.Status, Bind(json).Problem?.Code), Is.EqualTo((400, "malformed_json")));

    [TestCase("{}", "{\"from\":\"a@x\",\"tags\": [1]}")]
    [TestCase("{ }", "{ \"from\":\"a@x\",\"tags\": [1]}")]
    [TestCase("{\"from\":\"b@x\"}", "{\"from\":\"b@x\",\"tags\": [1]}")]
    [TestCase("{\"from\":null,\"id\":\"m\"}", "{\"from\":null,\"id\":\"m\",\"tags\": [1]}")]
    [TestCase("{\"\\u0066rom\":\"b@x\" }", "{\"\\u0066rom\":\"b@x\" ,\"tags\": [1]}")]
    [TestCase("{\"tags\":[],\"from\":\"b@x\"}", "{\"tags\":[],\"from\":\"b@x\"}")]
    public void BindBatch_Defaults_FillWhatTheMessageDoesNotWrite(string message, string merged)
    {
        var batch = Bind($"{{\"defaults\":{{ \"id\":\"d\", \"from\":\"a@x\", \"tags\": [\"t\"] }},\"messages\":[{message}]}}");

        Assert.That(Text(batch.Drafts[0].Json), Is.EqualTo(merged.Replace("[1]", "[\"t\"]", StringComparison.Ordinal)));
        Assert.That(batch.Drafts[0].Problem, Is.Null);
    }

    [TestCase("null")]
    [TestCase("{}")]
    [TestCase("{\"id\":\"d\"}")]
    public void BindBatch_EmptyDefaults_ChangeNothing(string defaults) =>
        Assert.That(Text(Bind($"{{\"messages\":[{{}}],\"defaults\":{defaults}}}").Drafts[0].Json), Is.EqualTo("{}"));

    [Test]
    public void BindBatch_DefaultsAndAMessageThatIsNone_RefusesOnlyThatOne()
    {
        var batch = Bind("{\"messages\":[7,{\"subject\":1,\"subject\":2},{}],\"defaults\":{\"from\":\"a@x\"}}");

        Assert.That(batch.Drafts.Select(d => d.Problem?.Code), Is.EqualTo(new[] { "invalid_type", "duplicate_field", null }));
    }

    [Test]
    public void Locate_Pointer_NamesWhoWroteTheMember()
    {
        var batch = Bind("{\"messages\":[{\"to\":[\"a\"]},{\"from\":\"x\"}],\"defaults\":{\"from\":\"nobody\"}}");

        Assert.That(batch.Locate(0, "/from"), Is.EqualTo("/defaults/from"));
        Assert.That(batch.Locate(0, "/from/email"), Is.EqualTo("/defaults/from/email"));
        Assert.That(batch.Locate(0, "/to/0"), Is.EqualTo("/messages/0/to/0"));
        Assert.That(batch.Locate(1, "/from"), Is.EqualTo("/messages/1/from"));
        Assert.That(batch.Locate(1, "/text"), Is.EqualTo("/messages/1/text"));
        Assert.That(batch.Locate(1, ""), Is.EqualTo("/messages/1"));
    }
}
