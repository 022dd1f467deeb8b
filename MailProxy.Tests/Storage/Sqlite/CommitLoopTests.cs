using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class CommitLoopTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private SqliteBench _bench = null!;

    private CommitLoop Loop => _bench.Database.Writer;

    [SetUp]
    public void MakeBench() => _bench = new();

    [TearDown]
    public void DropBench() => _bench.Dispose();

    [Test]
    public async Task Write_Result_ComesAfterTheCommit()
    {
        var result = await In30(Loop.WriteAsync(c => Put(c, "a")));

        Assert.That(result, Is.EqualTo("a"));
        Assert.That(Names(), Is.EqualTo(new[] { "a" }));
    }

    [Test]
    public async Task Beat_ComesWhenTheLoopTurnsAndNotWhileItStands()
    {
        await Loop.BeatAsync().WaitAsync(Deadline);
        var (entered, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        var write = Loop.WriteAsync(c =>
        {
            entered.SetResult();
            gate.Task.GetAwaiter().GetResult();
            return Put(c, "a");
        });
        await entered.Task.WaitAsync(Deadline);
        var beat = Loop.BeatAsync();
        Assert.That(beat.IsCompleted, Is.False);
        gate.SetResult();

        await beat.WaitAsync(Deadline);
        await In30(write);
    }

    [Test]
    public async Task Write_ThatThrows_UndoesOnlyItself()
    {
        var gate = new TaskCompletionSource();
        var first = Loop.WriteAsync(c =>
        {
            gate.Task.GetAwaiter().GetResult();
            return Put(c, "a");
        });
        var broken = Loop.WriteAsync<string>(c =>
        {
            Put(c, "b");
            throw new InvalidOperationException("mine");
        });
        var constraint = Loop.WriteAsync(c =>
        {
            Put(c, "c");
            return Put(c, "c");
        });
        var last = Loop.WriteAsync(c => Put(c, "d"));
        gate.SetResult();

        await In30(Task.WhenAll(first, last));

        Assert.That(async () => await In30(broken), Throws.InvalidOperationException.With.Message.EqualTo("mine"));
        Assert.That(async () => await In30(constraint), Throws.InstanceOf<Microsoft.Data.Sqlite.SqliteException>());
        Assert.That(Names(), Is.EqualTo(new[] { "a", "d" }));
        Assert.That(Loop.Completion.IsCompleted, Is.False);
    }

    [Test]
    public async Task Write_ThatThrows_TakesItsEventsBack()
    {
        var events = _bench.Database.Writer.Events;
        var broken = Loop.WriteAsync<int>(_ =>
        {
            events.AppendOther("default", default, null, null, 1);
            throw new InvalidOperationException();
        });
        Assert.That(async () => await In30(broken), Throws.InvalidOperationException);
        Assert.That(_bench.Database.Events.Last, Is.Zero);

        await In30(
            Loop.WriteAsync(_ =>
            {
                events.AppendOther("default", default, null, null, 1);
                return 0;
            })
        );

        Assert.That(_bench.Database.Events.Last, Is.EqualTo(1));
    }

    [Test]
    public async Task Write_WithEvents_WakesWhoWaitsForThem()
    {
        var waiting = _bench.Database.Events.WaitBeyondAsync(0, CancellationToken.None);
        Assert.That(waiting.IsCompleted, Is.False);

        await In30(
            Loop.WriteAsync(_ =>
            {
                Loop.Events.AppendOther("default", default, null, null, 1);
                return 0;
            })
        );

        await waiting.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Test]
    public async Task Turn_ManyWrites_ShareOneCommit()
    {
        var gate = new TaskCompletionSource();
        var commits = 0;
        var entered = new TaskCompletionSource();
        var first = Loop.WriteAsync(_ =>
        {
            entered.SetResult();
            gate.Task.GetAwaiter().GetResult();
            return "";
        });
        await entered.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Loop.AddHooks(static () => { }, () => commits++);
        var others = Enumerable.Range(0, 10).Select(i => Loop.WriteAsync(c => Put(c, $"n{i}"))).ToArray();

        gate.SetResult();
        await In30(Task.WhenAll([first, .. others]));
        await In30(Loop.WriteAsync(_ => ""));

        Assert.That(commits, Is.EqualTo(2).Or.EqualTo(3), "one for the ten, one for the last, and perhaps the first's");
    }

    [Test]
    public async Task Mistake_InATurn_EndsTheLoopAndBreaksEveryPromise()
    {
        var job = new BrokenJob();
        var (entered, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        var busy = Loop.WriteAsync(_ =>
        {
            entered.SetResult();
            gate.Task.GetAwaiter().GetResult();
            return "";
        });
        await entered.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Loop.PostOutcomes(job);
        var neighbour = Loop.WriteAsync(c => Put(c, "a"));
        gate.SetResult();
        await In30(busy);

        Assert.That(
            async () => await _bench.Database.Completion.WaitAsync(TimeSpan.FromSeconds(30)),
            Throws.TypeOf<NotSupportedException>()
        );
        Assert.That(async () => await In30(neighbour), Throws.InstanceOf<StoreUnavailableException>());
        Assert.That(async () => await In30(Loop.WriteAsync(c => Put(c, "b"))), Throws.InstanceOf<StoreUnavailableException>());
        Assert.That(job.Abandoned, Is.InstanceOf<NotSupportedException>());
        Assert.That(Names(), Is.Empty);
    }

    [Test]
    public async Task Dispose_WritesWhatWasPosted()
    {
        var writes = Enumerable.Range(0, 200).Select(i => Loop.WriteAsync(c => Put(c, $"n{i}"))).ToArray();

        Loop.Dispose();

        await In30(Task.WhenAll(writes));
        Assert.That(Names(), Has.Count.EqualTo(200));
        Assert.That(Loop.Completion.IsCompletedSuccessfully, Is.True);
        Assert.That(async () => await In30(Loop.WriteAsync(c => Put(c, "late"))), Throws.InstanceOf<StoreUnavailableException>());
    }

    private static string Put(Session session, string name)
    {
        Connections.Execute(session.Bare(), $"INSERT INTO settings (name, value) VALUES ('{name}', '')");
        return name;
    }

    private List<string> Names() =>
        _bench.Database.Readers.Read(c => Connections.Texts(c.Bare(), "SELECT name FROM settings ORDER BY name"));

    private static Task<T> In30<T>(Task<T> task) => task.WaitAsync(TimeSpan.FromSeconds(30));

    private sealed class BrokenJob : WriteJob
    {
        public Exception? Abandoned { get; private set; }

        public override void Run(Session session) => throw new NotSupportedException();

        public override void Committed() { }

        public override bool RolledBack(StoreUnavailableException why) => false;

        public override void Abandon(Exception why) => Abandoned = why;
    }
}
