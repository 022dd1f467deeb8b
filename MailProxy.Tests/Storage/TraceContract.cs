using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>The trace that a message belongs to: kept with it, told with its events, and gone with it.</summary>
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class TraceContract<TBench> : RetentionFixture<TBench>
    where TBench : StoreBench, new()
{
    private static readonly TraceContext First = new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "rojo=1");
    private static readonly TraceContext Second = new("00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", null);

    private long Rows => Bench.Count("message_traces");

    private AcceptedMail Traced(string id, TraceContext? trace, params string[] to) => Mail(id, to: to) with { Trace = trace };

    private async Task<TraceContext?> LoadedAsync(QueuedMail ticket)
    {
        var alone = (await Store.LoadAsync(ticket, 10))!.Trace;
        var together = (await Store.LoadTogetherAsync([new(ticket, 10)]))[0]!.Trace;
        Assert.That(together, Is.EqualTo(alone), "however it is loaded");
        return alone;
    }

    [Test]
    public async Task Append_WithATrace_ComesWithTheContentNowAndAfterARestart()
    {
        var ticket = await TicketAsync(Traced("m1", First));
        var other = await TicketAsync(Traced("m2", null));
        Assert.That((await LoadedAsync(ticket), await LoadedAsync(other)), Is.EqualTo((First, (TraceContext?)null)));
        Bench.Crash();
        await Bench.RecoverAsync(Now);
        var claimed = await ClaimAsync();
        Assert.That(
            (
                await LoadedAsync(claimed.Tickets.Single(t => t.Id == ticket.Id)),
                await LoadedAsync(claimed.Tickets.Single(t => t.Id == other.Id))
            ),
            Is.EqualTo((First, (TraceContext?)null))
        );
    }

    [Test]
    public async Task Append_WithoutATrace_WritesNoRow()
    {
        await TicketAsync(Mail("m1"));
        await SendAsync("m2");
        Assert.That(Rows, Is.Zero);
    }

    [Test]
    public async Task Append_LargeBody_HasItsTraceToo()
    {
        var file = await Bench.Spool.WriteAsync(Json("large"));
        var ticket = await TicketAsync(Traced("m1", First) with { Body = new(default, file, 16) });
        Assert.That((await Store.LoadAsync(ticket, 10))!.Trace, Is.EqualTo(First));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Append_OtherContentUnderTheId_BelongsToTheTraceItCameWith(bool hasOne)
    {
        await TicketAsync(Traced("m1", First));
        var replaced = await TicketAsync(Mail("m1", "two") with { Trace = hasOne ? Second : null });
        Assert.That((await LoadedAsync(replaced), Rows), Is.EqualTo((hasOne ? Second : null, hasOne ? 1L : 0L)));
    }

    [Test]
    public async Task Append_TheSameAgain_KeepsTheTraceOfTheFirst()
    {
        var ticket = await TicketAsync(Traced("m1", First));
        await AppendAsync(Traced("m1", Second));
        Assert.That(await LoadedAsync(ticket), Is.EqualTo(First));
    }

    [Test]
    public async Task Recover_AttemptThatHadGoneOut_IsOfItsTrace()
    {
        await MarkedAsync(Traced("m1", First));
        Bench.Crash();
        var recovery = await Bench.RecoverAsync(Now);
        Assert.That(recovery.InDoubt.Single().Content.Trace, Is.EqualTo(First));
    }

    [Test]
    public async Task Events_OfTheMessage_TellTheTrace()
    {
        await SendAsync(Traced("m1", First));
        await SendAsync(Traced("m2", null));
        var (events, _) = await Bench.Log.ReadAsync("default", 0, 100);
        Assert.That(events.Where(static one => one.MessageId == "m1").Select(static one => one.Trace), Is.EqualTo(new[] { First, First }));
        Assert.That(events.Where(static one => one.MessageId == "m2").Select(static one => one.Trace), Is.All.Null);
        var at = await Bench.Log.AtAsync("default", [events[0].Position]);
        Assert.That(at.Single().Trace, Is.EqualTo(First));
    }

    [Test]
    public async Task Purge_TheRecord_TakesTheTrace()
    {
        await SendAsync(Traced("m1", First));
        await PurgeAsync();
        Assert.That(Rows, Is.EqualTo(1), "as long as the message is known");
        Bench.Clock.Advance(TimeSpan.FromDays(31));
        await PurgeAsync();
        Assert.That((Rows, Bench.Count("messages")), Is.EqualTo((0L, 0L)));
    }

    [TestCase(0L, "ann@example.com")]
    [TestCase(1L, "ann@example.com", "bob@example.com")]
    public async Task Erase_OfAPerson_TakesTheTraceUnlessTheMailIsOthersToo(long left, params string[] to)
    {
        var ticket = await MarkedAsync(Traced("m1", First, to));
        await SettleAsync(Sent(ticket, to.Length));
        await Bench.Erasure.EraseAsync("default", "ann@example.com", 0, Now, "ann");
        Assert.That(Rows, Is.EqualTo(left));
    }

    [Test]
    public async Task Delete_TheTenant_TakesItsTracesAndNobodyElses()
    {
        var tenants = Bench.Configuration;
        await tenants.PutTenantAsync(new() { Id = "acme", Name = "Acme" }, "ann");
        foreach (var tenant in (string[])["acme", "other"])
        {
            var mail = Traced("m1", First) with { Key = new(tenant, "m1") };
            await In30(Store.AppendNowAsync([new(new Submission(tenant, [], null), [new(mail, "m1", null)])]));
            await In30(Store.ChangeAsync(mail.Key, new MessageChange.Cancel(), "ann", Now));
        }

        await tenants.DeleteTenantAsync("acme", "ann");
        await Bench.Removal.RemoveAsync("acme", 100);
        Assert.That(Rows, Is.EqualTo(1));
    }
}
