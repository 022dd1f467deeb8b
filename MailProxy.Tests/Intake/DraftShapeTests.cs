using System.Text;
using MailProxy.Pipeline.Intake;
using MailProxy.Tests.Ingest;
using NUnit.Framework;

namespace MailProxy.Tests.Intake;

/// <summary>What has more of something than any good message is refused before anything is made of it.</summary>
internal sealed class DraftShapeTests
{
    private static readonly IngestOptions Limits = new();

    private static string Many(int count, Func<int, string> one) => string.Join(',', Enumerable.Range(0, count).Select(one));

    private static string Nested(int levels) => $"{{\"a\":{new string('[', levels - 1)}{new string(']', levels - 1)}}}";

    private static IEnumerable<TestCaseData> TooMuch()
    {
        TestCaseData Case(string name, string members, string pointer, string code) =>
            new TestCaseData(members, pointer, code).SetArgDisplayNames(name);
        yield return Case(
            "attachments",
            $"\"attachments\":[{Many(501, _ => "{\"filename\":\"a\",\"content\":\"\"}")}]",
            "/attachments",
            "too_many_attachments"
        );
        yield return Case("empty attachments", $"\"attachments\":[{Many(100_000, _ => "{}")}]", "/attachments", "too_many_attachments");
        yield return Case("unknown fields", Many(200_000, i => $"\"u{i}\":0"), "", "too_many_fields");
        yield return Case("members of an unknown field", $"\"u\":{{{Many(200_000, i => $"\"u{i}\":0")}}}", "", "too_many_values");
        yield return Case("members of an attachment", $"\"attachments\":[{{{Many(200_000, i => $"\"u{i}\":0")}}}]", "", "too_many_values");
        yield return Case("metadata", $"\"metadata\":{{{Many(200_000, i => $"\"u{i}\":0")}}}", "/metadata", "metadata_too_large");
        yield return Case("metadata in a list", $"\"metadata\":{{\"a\":[{Many(50_000, _ => "0")}]}}", "/metadata", "metadata_too_large");
        yield return Case("metadata too deep", $"\"metadata\":{Nested(33)}", "/metadata", "metadata_too_deep");
        yield return Case("metadata much too deep", $"\"metadata\":{Nested(60)}", "/metadata", "metadata_too_deep");
        yield return Case("headers", $"\"headers\":{{{Many(50_000, i => $"\"X-{i}\":\"\"")}}}", "/headers", "headers_too_large");
        yield return Case("tags", $"\"tags\":[{Many(50_000, _ => "\"t\"")}]", "/tags", "too_many_tags");
        yield return Case("cc", $"\"cc\":[{Many(20_000, i => $"\"u{i}@x\"")}]", "/cc", "too_many_addresses");
        yield return Case(
            "bcc as objects",
            $"\"bcc\":[{Many(20_000, i => $"{{\"email\":\"u{i}@x\",\"name\":\"n\"}}")}]",
            "/bcc",
            "too_many_addresses"
        );
        yield return Case("reply_to", $"\"reply_to\":[{Many(20_000, _ => "\"u@x\"")}]", "/reply_to", "too_many_addresses");
        yield return Case("from", $"\"from\":[{Many(20_000, _ => "\"u@x\"")}]", "/from", "too_many_addresses");
    }

    [TestCaseSource(nameof(TooMuch))]
    public void BindOne_TooMuchOfSomething_422WithThePointer(string members, string pointer, string code)
    {
        var problem = DraftBinder.BindOne(Encoding.UTF8.GetBytes($"{{{members}}}")).Problem!;
        Assert.That((problem.Status, problem.Code, problem.Errors.Single().Pointer), Is.EqualTo((422, code, pointer)));
        Assert.That(problem.Detail, Does.Match("[0-9]"), "it names the limit");
    }

    [Test]
    public void BindOne_AMillionValues_IsRefusedWithoutMakingAnythingOfThem()
    {
        var json = Encoding.UTF8.GetBytes($"{{\"metadata\":{{{Many(1_000_000, i => $"\"u{i}\":0")}}}}}");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var problem = DraftBinder.BindOne(json).Problem;
        Assert.That(problem?.Code, Is.EqualTo("metadata_too_large"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(100_000));
    }

    [Test]
    public void BindOne_AsMuchAsIsAllowed_IsBound()
    {
        var json =
            $"{{\"to\":[{Many(1_000, i => $"{{\"email\":\"u{i}@x.example\",\"name\":\"n\"}}")}],\"metadata\":{Nested(32)},"
            + $"\"attachments\":[{Many(500, _ => "{\"filename\":\"a\",\"content\":\"\"}")}]}}";
        Assert.That(DraftBinder.BindOne(Encoding.UTF8.GetBytes(json)).Problem, Is.Null);
    }

    [Test]
    public void Judge_MetadataAsDeepAsIsAllowed_IsTaken() => Assert.That(Rules.JudgeWith($"\"metadata\":{Nested(32)}").Problem, Is.Null);

    [Test]
    public void BindOne_MetadataTooDeepInAMessageWithAnId_TheIdIsTold() =>
        Assert.That(Rules.JudgeWith($"\"id\":\"m1\",\"metadata\":{Nested(40)}").Id, Is.EqualTo("m1"));

    [Test]
    public void Batch_TooManyMessages_IsRefusedWithoutCuttingThemAll()
    {
        var json = Encoding.UTF8.GetBytes($"{{\"messages\":[{Many(1_000_000, _ => "{}")}]}}");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var problem = DraftBinder.BindBatch(json).Problem!;
        Assert.That((problem.Code, problem.Errors.Single().Pointer), Is.EqualTo(("too_many_messages", "/messages")));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(200_000));
    }

    [Test]
    public void Batch_UnknownMembersWithoutEnd_ListsSome()
    {
        var problem = DraftBinder.BindBatch(Encoding.UTF8.GetBytes($"{{{Many(100_000, i => $"\"u{i}\":0")}}}")).Problem!;
        Assert.That((problem.Status, problem.Errors.Count), Is.EqualTo((422, 100)));
    }

    [TestCase(
        "{\"defaults\":{\"attachments\":[%]},\"messages\":[{}]}",
        "/defaults/attachments",
        TestName = "Batch_DefaultsWithTooMuch_PointsAtTheDefaults"
    )]
    public void Batch_Defaults_TooMuch(string json, string pointer)
    {
        var problem = DraftBinder
            .BindBatch(Encoding.UTF8.GetBytes(json.Replace("%", Many(501, _ => "{}"), StringComparison.Ordinal)))
            .Problem!;
        Assert.That(problem.Errors.Single().Pointer, Is.EqualTo(pointer));
    }

    [TestCase(300, false)]
    [TestCase(40, true)]
    public void Batch_DefaultsMergedIntoMany_AreBoundedByTheRequest(int messages, bool good)
    {
        var defaults = $$"""{"from":"a@x.example","to":"b@x.example","text":"{{new string('A', 1_000_000)}}"}""";
        var json = $$"""{"defaults":{{defaults}},"messages":[{{Many(messages, _ => "{}")}}]}""";
        var opened = OpenedMessages.Batch(Encoding.UTF8.GetBytes(json), Limits);
        if (good)
        {
            Assert.That(opened.Problem, Is.Null);
            Assert.That(opened.Cost, Is.InRange(40_000_000, 45_000_000), "it is known before it is made");
            Assert.That(opened.Bind().Drafts.Sum(static d => (long)d.Json.Length), Is.LessThanOrEqualTo(Limits.MaxRequestBytes));
            return;
        }

        Assert.That(
            (opened.Problem!.Status, opened.Problem.Code, opened.Problem.Errors.Single().Pointer),
            Is.EqualTo((422, "defaults_too_large", "/defaults"))
        );
    }

    [Test]
    public void Batch_MergedLength_IsWhatMergingMakes()
    {
        string[] messages =
        [
            "{}",
            "{\"to\":\"c@x.example\"}",
            "{\"text\":null}",
            "{\"from\":\"q@x\",\"to\":\"r@x\",\"text\":\"t\"}",
            " { } ",
        ];
        const string Defaults = """{"from":"a@x.example","to":"b@x.example","text":"t"}""";
        var json = $$"""{"defaults":{{Defaults}},"messages":[{{string.Join(',', messages)}}]}""";
        var opened = OpenedMessages.Batch(Encoding.UTF8.GetBytes(json), Limits);
        var bound = opened.Bind();
        var merged = bound.Drafts.Zip(bound.Written, static (draft, written) => draft.Json.Length - written.Length).Sum();
        Assert.That(opened.Cost % 64, Is.EqualTo(merged % 64), "the rest is charged by the value");
        Assert.That(bound.Drafts.Select(static d => d.Problem), Has.All.Null);
    }

    [Test]
    public void Mistakes_LongNames_AreTold_Short()
    {
        var problem = Rules.JudgeWith($"\"{new string('n', 100_000)}\":1").Problem!;
        Assert.That(problem.Errors.Single().Pointer, Has.Length.LessThan(400));
        Assert.That(problem.Detail, Has.Length.LessThan(600));
    }
}
