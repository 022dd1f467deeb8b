using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Send;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>The stage with a fetcher behind it.</summary>
internal sealed class AttachmentsTests
{
    private const string Json = """
        {"from":"a@x.example","to":["b@y.example"],"text":"Hello","attachments":[
          {"filename":"inline.txt","content":"aGVsbG8="},
          {"filename":"a.pdf","source":"http://files.example/a"},
          {"filename":"b.pdf","source":"http://files.example/b"}]}
        """;

    private static readonly MailContent Content = Sample.Content(Json) with { Sources = 2 };

    [Test]
    public async Task Mail_WithoutSources_NeverSeesTheFetcher()
    {
        await using var rig = new Setup();
        var (mail, outcome) = await rig.ResolveAsync(Content with { Sources = 0 });

        Assert.That((mail!.Files, outcome), Is.EqualTo((Array.Empty<LocalContent?>(), (Outcome?)null)));
    }

    [Test]
    public async Task Mail_NothingHere_IsSetAsideAfterItsPermitCameBack()
    {
        await using var rig = new Setup();
        var permitWhenAsked = new TaskCompletionSource<bool>();
        rig.Rig.Source.Answer = (_, _) =>
        {
            permitWhenAsked.TrySetResult(rig.Permit.Disposed);
            return Task.FromResult(ScriptedSource.Of("x"));
        };

        var (_, outcome) = await rig.ResolveAsync(Content);

        Assert.That(outcome, Is.EqualTo(new Outcome.NotYet(Sample.Ticket())));
        Assert.That(await permitWhenAsked.Task.WaitAsync(TimeSpan.FromSeconds(30)), Is.True);
        Assert.That((rig.Permit.Disposed, rig.Bodies.Bytes.Used), Is.EqualTo((true, 0L)));
        await rig.Rig.ReturnedAsync(1);
        Assert.That(rig.Rig.AsideSeen.Single(), Is.EqualTo(Sample.Ticket()));
    }

    [Test]
    public async Task Mail_AllHere_GoesOnWithItsFilesUntilItsChargeEnds()
    {
        await using var rig = new Setup(new() { CacheBytes = 0 });
        await rig.ResolveAsync(Content);
        await rig.Rig.ReturnedAsync(1);

        var (mail, _) = await rig.ResolveAsync(Content);

        Assert.That(mail!.Files, Has.Count.EqualTo(3));
        Assert.That(mail.Files[0], Is.Null);
        Assert.That(await File.ReadAllTextAsync(mail.Files[1]!.Path), Is.EqualTo("http://files.example/a"));
        Assert.That(await File.ReadAllTextAsync(mail.Files[2]!.Path), Is.EqualTo("http://files.example/b"));
        Assert.That(rig.Bodies.Bytes.Used, Is.EqualTo(2 * Content.Json.Length), "what lies in files is not in memory");

        mail.Charge.Dispose();
        Assert.That((rig.Bodies.Bytes.Used, rig.Rig.Files().Length), Is.EqualTo((0L, 0)));
    }

    [Test]
    public async Task Mail_WhenTooManyWait_IsDeferredALittle()
    {
        await using var rig = new Setup(new() { SetAside = 1 });
        rig.Rig.Source.Answer = ScriptedSource.Silent;
        rig.Rig.Fetch(99, FetchRig.Url("other"));

        var (_, outcome) = await rig.ResolveAsync(Content);

        Assert.That(outcome, Is.TypeOf<Outcome.Postponed>().With.Property("RetryAfter").EqualTo(TimeSpan.FromSeconds(30)));
        Assert.That((rig.Permit.Disposed, rig.Bodies.Bytes.Used), Is.EqualTo((true, 0L)));
    }

    [Test]
    public async Task Mail_WhoseJsonCannotBeRead_IsDeferredAndGivesAllBack()
    {
        await using var rig = new Setup();
        var (_, outcome) = await rig.ResolveAsync(Sample.Content("{") with { Sources = 1 });

        Assert.That(outcome, Is.TypeOf<Outcome.Postponed>());
        Assert.That((rig.Permit.Disposed, rig.Bodies.Bytes.Used), Is.EqualTo((true, 0L)));
    }

    [TestCase("5.6.0", true, typeof(Outcome.Unsendable))]
    [TestCase(null, true, typeof(Outcome.Postponed))]
    [TestCase(null, false, typeof(Outcome.Postponed))]
    public async Task Failed_Mail_IsTold(string? status, bool bySource, Type type)
    {
        await using var rig = new Setup();
        rig.Store.LoadAsync(Sample.Ticket(), int.MaxValue).Returns(Content);

        var outcome = await rig.EndAsync(new("http://files.example/a: why", status, bySource, TimeSpan.FromSeconds(9)));

        Assert.That(outcome, Is.TypeOf(type).With.Property("Reason").EqualTo("http://files.example/a: why"));
        if (outcome is Outcome.Unsendable never)
            Assert.That((never.EnhancedCode, never.Content), Is.EqualTo((status, Content.Bodiless())));
        if (outcome is Outcome.Postponed later)
            Assert.That(
                (later.BySource, later.RetryAfter, later.Content),
                Is.EqualTo((bySource, (TimeSpan?)TimeSpan.FromSeconds(9), Content.Bodiless()))
            );
    }

    [Test]
    public async Task Failed_MailThatWasChangedMeanwhile_IsDropped()
    {
        await using var rig = new Setup();
        Assert.That(await rig.EndAsync(new("why", "5.6.0", true)), Is.EqualTo(new Outcome.Dropped(Sample.Ticket())));
    }

    [Test]
    public async Task Failed_MailThatCannotBeLoaded_StillLeavesTheFetcher()
    {
        await using var rig = new Setup();
        rig.Store.LoadAsync(Sample.Ticket(), int.MaxValue).Returns<ValueTask<MailContent?>>(_ => throw new IOException("gone"));

        Assert.That(await rig.EndAsync(new("why", "5.6.0", true)), Is.EqualTo(new Outcome.Postponed(Sample.Ticket(), null, "why")));
    }

    private sealed class Setup(ResolveOptions? options = null) : IAsyncDisposable
    {
        public FetchRig Rig { get; } = new(options);
        public IMessageStore Store { get; } = Substitute.For<IMessageStore>();
        public BodyMemory Bodies { get; } = new(1_000_000, TenantShare.Unlimited);
        public Sample.Permit Permit { get; private set; } = new();

        public async Task<(ResolvedMail? Mail, Outcome? Outcome)> ResolveAsync(MailContent content)
        {
            var (input, next, report) = (
                Channel.CreateBounded<DueMail>(1),
                Channel.CreateBounded<ResolvedMail>(1),
                Channel.CreateBounded<Outcome>(1)
            );
            var accounts = new CurrentAccounts();
            accounts.Swap(new([Sample.Account(25)], null));
            Store.LoadAsync(Sample.Ticket(), 50).Returns(content);
            Store.LoadTogetherAsync(default!).ReturnsForAnyArgs(new ValueTask<IReadOnlyList<MailContent?>>([content]));
            Permit = new();
            await input.Writer.WriteAsync(new(Sample.Ticket(), new(7), Permit));
            input.Writer.Complete();

            var attachments = new Attachments(Rig.Fetcher, accounts, null, null);
            var stage = new ResolveStage(
                input.Reader,
                Store,
                accounts,
                next.Writer,
                report.Writer,
                new(4, TenantShare.Unlimited),
                Bodies,
                static account => account.SliceSize,
                Unlimited.Destinations,
                attachments,
                TimeProvider.System,
                NullLogger.Instance
            );
            await stage.RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
            return (next.Reader.TryRead(out var mail) ? mail : null, report.Reader.TryRead(out var outcome) ? outcome : null);
        }

        public async Task<Outcome> EndAsync(FetchTrouble trouble)
        {
            var report = Channel.CreateBounded<Outcome>(1);
            await new FetchEnds(Store, new(), new(4, TenantShare.Unlimited), report.Writer, NullLogger.Instance).FailedAsync(
                Sample.Ticket(),
                trouble
            );
            return await report.Reader.ReadAsync();
        }

        public ValueTask DisposeAsync() => Rig.DisposeAsync();
    }
}
