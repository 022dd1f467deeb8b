using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Postgres;

/// <summary>Mail that was chosen while the connection was lost is chosen all the same, or can be later.</summary>
internal sealed class LostReadTests : MessageStoreContract<PostgresBench>
{
    [Test]
    public async Task Claim_ConnectionLostInTheMiddle_NothingIsKeptFromBeingChosen([Values] bool isClosed)
    {
        foreach (var id in new[] { "m1", "m2", "m3" })
            Store.Release(await TicketAsync(Mail(id)));
        var before = Bench.Data.Claims.MayClaim;
        Bench.Data.Claims.MayClaim = lane =>
        {
            Bench.Data.Claims.MayClaim = before;
            PostgresServer.Shared.Close(Bench.Name, isClosed);
            PostgresServer.Shared.CutOff(Bench.Name);
            return before(lane);
        };
        ClaimedPage page;
        try
        {
            page = await ClaimAsync();
        }
        catch (StoreUnavailableException)
        {
            Bench.Mend();
            page = await ClaimAsync();
        }

        Assert.That(page.Tickets, Has.Count.EqualTo(3));
    }
}
