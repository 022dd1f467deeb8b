using System.Text;
using System.Threading.Channels;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Ingest;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class IngestStageTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Channel<Submission> _input = Channel.CreateBounded<Submission>(16);
    private readonly Channel<AcceptedBatch> _next = Channel.CreateBounded<AcceptedBatch>(16);
    private readonly PipelineMetrics _metrics = new(Prometheus.Metrics.NewCustomRegistry());
    private string _directory = "";

    private string Spool => Path.Combine(_directory, "spool");

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("mailproxy-ingest-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    private Task Run(SubmissionRules? rules = null) =>
        new IngestStage(
            _input,
            _next,
            rules ?? Rules.With(Rules.Account(1, "main")),
            new SpoolFiles(Spool),
            new IngestOptions(),
            _metrics,
            new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(Rules.Now)),
            TenantShare.Unlimited,
            NullLogger.Instance
        ).RunAsync();

    private static Submission Submission(IdempotencyClaim? claim, params string[] messages) =>
        new("default", [.. messages.Select(m => DraftBinder.BindOne(Encoding.UTF8.GetBytes(m)))], claim);

    private static string Large(int kilobytes) => Rules.Message($"\"text\":\"{new string('x', kilobytes * 1024)}\"");

    private async Task<AcceptedBatch> Passed() => await _next.Reader.ReadAsync().AsTask().WaitAsync(Deadline);

    private async Task Finish(Task running)
    {
        _input.Writer.Complete();
        await running.WaitAsync(Deadline);
    }

    private async Task<Draft> SpooledAsync(string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        var cut = LongStrings.Of(RequestShape.Message, 1_024, () => new(Directory.CreateDirectory(Spool).FullName));
        var left = cut.Take(bytes, bytes.Length);
        await cut.FlushAsync();
        return OpenedMessages.One(bytes.AsMemory(0, left), new(), cut).Bind().Drafts[0];
    }

    [Test]
    public async Task Run_LongStringsInFiles_OnlyWhatWasAcceptedHasAFile()
    {
        var running = Run();
        var bad = Large(9).Replace("bob@y.example", "nobody", StringComparison.Ordinal);
        await _input.Writer.WriteAsync(new("default", [await SpooledAsync(Large(9)), await SpooledAsync(bad)], null));
        var withdrawn = new Submission("default", [await SpooledAsync(Large(9))], null);
        withdrawn.TryWithdraw();
        await _input.Writer.WriteAsync(withdrawn);

        var batch = await Passed();
        await Finish(running);

        var mail = batch.Lines[0].Mail!;
        Assert.That(batch.Lines[1].Problem, Is.Not.Null);
        Assert.That(Directory.GetFiles(Spool).Select(static path => Path.GetFileName(path)), Is.EqualTo(new[] { mail.Body.SpoolFile }));
        var (json, body) = await new SpoolFiles(Spool).ReadAsync(mail.Body.SpoolFile!);
        Assert.That(json.Length, Is.LessThan(1_024));
        Assert.That(body!.Size, Is.GreaterThanOrEqualTo(9 * 1_024));
    }

    [Test]
    public async Task Run_GoodAndBadMail_PassesALineForEachInOrder()
    {
        var running = Run();
        var submission = Submission(null, Rules.Message("\"id\":\"a\""), "{}", Rules.Message(""));
        _input.Writer.TryWrite(submission);

        var batch = await Passed();
        await Finish(running);

        Assert.That(batch.Submission, Is.SameAs(submission));
        Assert.That(
            batch.Lines.Select(l => (l.Mail is not null, l.Problem is not null)),
            Is.EqualTo(new[] { (true, false), (false, true), (true, false) })
        );
        Assert.That(batch.Lines[0].Mail!.Key.Id, Is.EqualTo("a"));
        Assert.That((Guid.Parse(batch.Lines[2].Id!).Version, batch.Lines[2].Mail!.CreatedAt), Is.EqualTo((7, Rules.Now)));
    }

    [Test]
    public async Task Run_WithdrawnSubmission_GoesNoFurther()
    {
        var submission = Submission(null, Rules.Message(""));
        submission.TryWithdraw();
        _input.Writer.TryWrite(submission);

        await Finish(Run());

        Assert.That(_next.Reader.TryRead(out _), Is.False);
    }

    [Test]
    public async Task Run_NothingToStore_AnswersWithoutTheStore()
    {
        var submission = Submission(null, Rules.Message("\"id\":\"a\",\"pool\":\"p\""), "{");
        _input.Writer.TryWrite(submission);

        await Finish(Run());
        var answer = (SubmissionAnswer.Stored)await submission.Answer.WaitAsync(Deadline);

        Assert.That(
            answer.Lines.Select(l => (l.Id, l.Problem?.Code)),
            Is.EqualTo(new[] { ("a", "unknown_pool"), (null, "malformed_json") })
        );
        Assert.That((_next.Reader.TryRead(out _), submission.TryWithdraw()), Is.EqualTo((false, false)));
        Assert.That(_metrics.Refused.WithLabels("unknown_pool").Value, Is.EqualTo(1));
    }

    [Test]
    public async Task Run_NothingToStoreButAKeyToRemember_AsksTheStore()
    {
        var submission = Submission(new("key", [1], _ => null), "{}");
        _input.Writer.TryWrite(submission);

        await Finish(Run());

        Assert.That((_next.Reader.TryRead(out var batch), submission.Answer.IsCompleted), Is.EqualTo((true, false)));
        Assert.That(batch!.Lines[0].Problem, Is.Not.Null);
    }

    [Test]
    public async Task Run_LargeBody_IsInASpoolFileBeforeItIsPassedOn()
    {
        var large = Large(300);
        _input.Writer.TryWrite(Submission(null, Rules.Message(""), large));

        await Finish(Run());
        var lines = (await Passed()).Lines;

        Assert.That((lines[0].Mail!.Body.SpoolFile, lines[0].Mail!.Body.Inline.IsEmpty), Is.EqualTo(((string?)null, false)));
        Assert.That((lines[1].Mail!.Body.Inline.IsEmpty, lines[1].Mail!.Body.Size), Is.EqualTo((true, large.Length)));
        Assert.That(File.ReadAllText(Path.Combine(Spool, lines[1].Mail!.Body.SpoolFile!)), Is.EqualTo(large));
    }

    [Test]
    public async Task Run_BodyAtTheThreshold_StaysInline()
    {
        var message = Large(200);
        message = Rules.Message($"\"text\":\"{new string('x', 200 * 1024 + (256 * 1024 - message.Length))}\"");
        _input.Writer.TryWrite(Submission(null, message));

        await Finish(Run());
        var body = (await Passed()).Lines[0].Mail!.Body;

        Assert.That((body.Size, body.SpoolFile), Is.EqualTo((256 * 1024L, (string?)null)));
    }

    [Test]
    public async Task Run_DiskFails_AnswersUnavailableAndServesTheNext()
    {
        var running = Run();
        Directory.Delete(Spool);
        await File.WriteAllTextAsync(Spool, "in the way");
        var failing = Submission(null, Large(300));
        _input.Writer.TryWrite(failing);
        var answer = await failing.Answer.WaitAsync(Deadline);
        _input.Writer.TryWrite(Submission(null, Rules.Message("\"id\":\"next\"")));

        Assert.That(answer, Is.InstanceOf<SubmissionAnswer.Unavailable>());
        Assert.That((await Passed()).Lines[0].Id, Is.EqualTo("next"));
        await Finish(running);
    }

    [Test]
    public async Task Run_NextStageIsGone_AnswersUnavailableAndLeavesNoFileBehind()
    {
        _next.Writer.Complete();
        var submission = Submission(null, Large(300), Large(300));
        _input.Writer.TryWrite(submission);

        await Finish(Run());

        Assert.That(await submission.Answer.WaitAsync(Deadline), Is.InstanceOf<SubmissionAnswer.Unavailable>());
        Assert.That(Directory.GetFiles(Spool), Is.Empty);
    }

    [Test]
    public async Task Run_NextStageIsSlow_LosesNothing()
    {
        for (var i = 0; i < 16; i++)
            _next.Writer.TryWrite(new(Submission(null), []));
        for (var i = 0; i < 5; i++)
            _input.Writer.TryWrite(Submission(null, Rules.Message($"\"id\":\"m{i}\"")));
        var running = Run();

        var passed = new List<AcceptedBatch>();
        while (passed.Count < 21)
            passed.Add(await Passed());
        await Finish(running);

        Assert.That(passed.SelectMany(b => b.Lines).Select(l => l.Id), Is.EquivalentTo(new[] { "m0", "m1", "m2", "m3", "m4" }));
    }
}
