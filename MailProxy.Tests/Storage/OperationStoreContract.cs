using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every store keeps of operations.</summary>
[TestOf(typeof(IOperationStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class OperationStoreContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private IOperationStore Operations => Bench.Operations;

    [Test]
    public async Task Add_OneThatRuns_IsFoundByItsTenantAlone()
    {
        Assert.That(await Operations.AddAsync(Operation("op_1")), Is.True);
        Assert.That(await Operations.AddAsync(Operation("op_1")), Is.False, "it is there");
        Assert.That(await Operations.AddAsync(Operation("op_1") with { Tenant = "other" }), Is.True);
        Bench.Crash();

        var found = await Operations.FindAsync("default", "op_1");
        Assert.Multiple(async () =>
        {
            Assert.That(found, Is.EqualTo(Operation("op_1") with { Number = found!.Number }));
            Assert.That(await Operations.FindAsync("nobody", "op_1"), Is.Null);
            Assert.That((await Operations.RunningAsync()).Select(static one => one.Tenant), Is.EqualTo(new[] { "default", "other" }));
            Assert.That(
                (await Operations.ListAsync(null, 10, null)).Select(static one => one.Tenant),
                Is.EqualTo(new[] { "other", "default" })
            );
            Assert.That((await Operations.ListAsync("other", 10, null)).Single().Tenant, Is.EqualTo("other"));
            Assert.That(await Operations.ListAsync("default", 10, found!.Number), Is.Empty);
            Assert.That(Bench.Audit().Select(static one => one.Action), Is.EqualTo(new[] { "operation.create", "operation.create" }));
        });
    }

    [Test]
    public async Task Step_CrashBetween_GoesOnWhereItWas()
    {
        foreach (var id in new[] { "m1", "m2", "m3" })
            await PutAsync(Mail(id));
        await Operations.AddAsync(Operation("op_1"));
        var first = await StepAsync(cursor: 3, Hold("m3"));
        Bench.Crash();
        var between = (await Operations.RunningAsync()).Single();
        var second = await StepAsync(cursor: null, Hold("m2"), Hold("m1"), Hold("nobody"));

        var ended = (await Operations.FindAsync("default", "op_1"))!;
        Assert.Multiple(() =>
        {
            Assert.That(first!.Single(), Is.InstanceOf<ChangeResult.Done>());
            Assert.That((between.Cursor, between.Changed, between.Refused), Is.EqualTo((3L, 1L, 0L)));
            Assert.That(second!.Last(), Is.InstanceOf<ChangeResult.NotFound>());
            Assert.That((ended.State, ended.Changed, ended.Refused, ended.EndedAt), Is.EqualTo((OperationState.Done, 3L, 1L, (long?)Now)));
            Assert.That(new[] { "m1", "m2", "m3" }.Select(id => Look(id).State), Is.All.EqualTo(MessageState.Held));
        });
    }

    [Test]
    public async Task Step_AfterItEnded_ChangesNothing()
    {
        await PutAsync(Mail("m1"));
        await Operations.AddAsync(Operation("op_1"));
        var running = (await Operations.RunningAsync()).Single();
        Assert.That(await Operations.EndAsync(running, null, "ann", Now), Is.True);
        Assert.That(await Operations.EndAsync(running, "late", "ann", Now), Is.False);

        Assert.That(await Operations.StepAsync(running, new([Hold("m1")], 0, null, Now)), Is.Null);
        Assert.That(Look("m1").State, Is.EqualTo(MessageState.Queued));
        Assert.That((await Operations.FindAsync("default", "op_1"))!.State, Is.EqualTo(OperationState.Stopped));
    }

    [Test]
    public async Task Undo_OnceAndOnlyOfWhatEnded()
    {
        await PutAsync(Mail("m1"));
        await PutAsync(Mail("m2"));
        await Operations.AddAsync(Operation("op_1"));
        var undone = (await Operations.RunningAsync()).Single();
        var undo = Operation("op_2") with { Undoes = undone.Number };
        Assert.That(await Operations.AddAsync(undo), Is.False, "it runs");
        await StepAsync(cursor: null, Hold("m1"), Hold("m2"));

        Assert.That(await Operations.AddAsync(undo), Is.True);
        Assert.That(await Operations.AddAsync(undo with { Id = "op_3" }), Is.False, "it is undone");
        Assert.That((await Operations.FindAsync("default", "op_1"))!.UndoneBy, Is.EqualTo("op_2"));
        var changed = await Operations.ChangedAsync(undone.Number, long.MaxValue, 10);
        Assert.That(changed.Select(static one => (one.Key.Id, one.Before)), Is.EqualTo(new[] { ("m2", "{}"), ("m1", "{}") }));
        Assert.That(await Operations.ChangedAsync(undone.Number, changed[0].Number, 10), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Forget_ChangesAfterTheirTimeAndThenTheOperation()
    {
        await PutAsync(Mail("m1"));
        await Operations.AddAsync(Operation("op_1"));
        await StepAsync(cursor: null, Hold("m1"));
        await Operations.AddAsync(Operation("op_2"));

        Assert.That(await Operations.ForgetAsync(Now, Now, 10), Is.Zero, "it ended only now");
        Assert.That(await Operations.ForgetAsync(Now + 1, Now, 10), Is.EqualTo(1));
        Assert.That(await Operations.FindAsync("default", "op_1"), Is.Not.Null);
        Assert.That(await Operations.ForgetAsync(Now + 1, Now + 1, 10), Is.EqualTo(1));
        Assert.That(await Operations.FindAsync("default", "op_1"), Is.Null);
        Assert.That(await Operations.FindAsync("default", "op_2"), Is.Not.Null, "it runs");
    }

    [Test]
    public async Task Add_VeryMany_TheNewestOfATenantAreKept()
    {
        await Operations.AddAsync(Operation("theirs") with { Tenant = "other" });
        for (var i = 0; i < 1_005; i++)
        {
            await Operations.AddAsync(Operation($"op_{i}"));
            await Operations.EndAsync((await Operations.FindAsync("default", $"op_{i}"))!, null, "ann", Now);
        }

        Assert.That(await Operations.ListAsync("default", 2_000, null), Has.Count.InRange(1_000, 1_001));
        Assert.That(await Operations.FindAsync("default", "op_0"), Is.Null);
        Assert.That(await Operations.FindAsync("other", "theirs"), Is.Not.Null);
        Assert.That(await Operations.ForgetAsync(1, 1, 100), Is.EqualTo(4), "what nobody has goes");
    }

    [Test]
    public async Task Tenant_DeletedWhileItsOperationRuns_LeavesNothingToItsSuccessor()
    {
        await Bench.Configuration.PutTenantAsync(new() { Id = "acme", Name = "Acme" }, "ann");
        await Operations.AddAsync(Operation("op_1") with { Tenant = "acme" });
        await Bench.Configuration.DeleteTenantAsync("acme", "ann");

        Assert.Multiple(async () =>
        {
            Assert.That(await Operations.RunningAsync(), Is.Empty);
            Assert.That(await Operations.FindAsync("acme", "op_1"), Is.Null);
            Assert.That(await Operations.ListAsync(null, 10, null), Is.Empty);
            Assert.That(await Operations.ForgetAsync(1, 1, 10), Is.EqualTo(1));
        });
    }

    private Operation Operation(string id) => new(0, "default", id, BulkAction.Hold, "status:queued", "{}", Now, 100, 3, "ann", Now);

    private PlannedChange Hold(string id) => new(Bench.Look(id)?.Number ?? 99, new("default", id), new MessageChange.Hold(), "{}");

    private async Task<IReadOnlyList<ChangeResult>?> StepAsync(long? cursor, params PlannedChange[] changes) =>
        await Operations.StepAsync((await Operations.RunningAsync()).First(), new(changes, 0, cursor, Now));
}
