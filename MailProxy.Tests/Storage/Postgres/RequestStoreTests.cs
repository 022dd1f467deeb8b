using MailProxy.Pipeline.Storage.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Postgres;

/// <summary>The requests of all nodes as rows.</summary>
[TestOf(typeof(IRequestStore))]
internal sealed class RequestStoreTests : MessageStoreContract<PostgresBench>
{
    private IRequestStore Requests => Bench.Database.Requests;

    private static LoggedRequest Request(string path, string tenant = "a", int status = 200, long at = 100, params string[] messages) =>
        new(0, at, "POST", path, status, 1.25, status >= 400 ? "invalid" : null, "key:k", tenant, "r-1", messages);

    private async Task<string[]> PathsAsync(RequestFilter filter) => [.. (await Requests.ReadAsync(filter)).Select(static one => one.Path)];

    [Test]
    public async Task Add_Read_IsAsItWas_AndTellsTheNode()
    {
        await Requests.AddAsync([Request("/v1/a\0b", status: 422, messages: ["m1", "m2"])]);
        var read = (await Requests.ReadAsync(new("a", false, null, null, 0, 10))).Single();

        Assert.That(
            read with
            {
                Number = 0,
                Messages = [],
            },
            Is.EqualTo(Request("/v1/a\uFFFDb", status: 422) with { Node = "bench", Messages = [] })
        );
        Assert.That(read.Messages, Is.EqualTo(new[] { "m1", "m2" }));
    }

    [Test]
    public async Task Read_ByEachFilter_NewestFirst()
    {
        await Requests.AddAsync([Request("1"), Request("2", "b"), Request("3", status: 404), Request("4", at: 50, messages: "m")]);
        Assert.That(await PathsAsync(new(null, false, null, null, 0, 10)), Is.EqualTo(new[] { "4", "3", "2", "1" }));
        Assert.That(await PathsAsync(new("b", false, null, null, 0, 10)), Is.EqualTo(new[] { "2" }));
        Assert.That(await PathsAsync(new("a", true, null, null, 0, 10)), Is.EqualTo(new[] { "3" }));
        Assert.That(await PathsAsync(new("a", false, "m", null, 0, 10)), Is.EqualTo(new[] { "4" }));
        Assert.That(await PathsAsync(new(null, false, null, null, 100, 10)), Is.EqualTo(new[] { "3", "2", "1" }), "since");

        var page = await Requests.ReadAsync(new(null, false, null, null, 0, 2));
        Assert.That(await PathsAsync(new(null, false, null, page[^1].Number, 0, 2)), Is.EqualTo(new[] { "2", "1" }));
    }

    [Test]
    public async Task Trim_OldOnesAndThoseBeyondATenantsRoom_AreGone()
    {
        await Requests.AddAsync([Request("old", at: 1), Request("failed", "busy", 500), Request("quiet", "quiet")]);
        await Requests.AddAsync([.. Enumerable.Range(0, 300).Select(static i => Request(i.ToString(), "busy"))]);

        await Requests.TrimAsync(since: 50, most: 120);

        var left = await Requests.ReadAsync(new(null, false, null, null, 0, 1_000));
        Assert.That(left.Select(static one => one.Path), Has.None.EqualTo("old").And.Contains("failed").And.Contains("quiet"));
        Assert.That(left.Count(static one => one.Tenant == "busy" && !one.HasFailed), Is.EqualTo(20), "a third of them, half of that");
        Assert.That(left[0].Path, Is.EqualTo("299"));
    }

    [Test]
    public async Task Forget_ATenant_LeavesTheOthers()
    {
        await Requests.AddAsync([Request("1"), Request("2", "b")]);
        await Requests.ForgetAsync("a");
        Assert.That(await PathsAsync(new(null, false, null, null, 0, 10)), Is.EqualTo(new[] { "2" }));
    }

    [Test]
    public async Task Add_AfterTheConnectionWasLost_IsWrittenTheNextTime()
    {
        await Requests.AddAsync([Request("1")]);
        Support.PostgresServer.Shared.CutOff(Bench.Name);
        try
        {
            await Requests.AddAsync([Request("2")]);
        }
        catch (Pipeline.Disk.StoreUnavailableException)
        {
            await Requests.AddAsync([Request("2")]);
        }

        Assert.That(await PathsAsync(new(null, false, null, null, 0, 10)), Is.EqualTo(new[] { "2", "1" }));
    }
}
