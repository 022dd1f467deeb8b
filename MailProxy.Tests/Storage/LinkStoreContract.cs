using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every link store does.</summary>
[TestOf(typeof(ILinkStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class LinkStoreContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private new const long Now = 1_900_000_000_000;
    private const long Day = 86_400_000;

    private static readonly LinkContent Content = new("acme", "default", "files", "local /srv", [1, 2, 3], 77);

    private new ILinkStore Store { get; set; } = null!;

    [SetUp]
    public async Task OpenAsync() => Store = await Bench.OpenLinksAsync();

    private async Task ReopenAsync()
    {
        Bench.Crash();
        await OpenAsync();
    }

    [Test]
    public async Task SigningKey_OpenedAgain_IsTheSame()
    {
        var key = Store.SigningKey.ToArray();
        await ReopenAsync();
        Assert.That(Store.SigningKey.ToArray(), Is.EqualTo(key));
        Assert.That(key, Has.Length.EqualTo(32));
    }

    [Test]
    public async Task SigningKey_OpenedByManyAtOnce_IsTheSame()
    {
        await Bench.Damage.ForgetLinkKeyAsync();
        var opened = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Bench.OpenLinksAsync())));
        await OpenAsync();
        Assert.That(opened.Select(static store => store.SigningKey.ToArray()), Is.All.EqualTo(Store.SigningKey.ToArray()));
    }

    [Test]
    public async Task Reserve_SameContent_IsOneObjectThatLivesAsLongAsTheLastLink()
    {
        var first = await Store.ReserveAsync(Content, "links/a", Now + 2 * Day, Now);
        var again = await Store.ReserveAsync(Content, "links/b", Now + Day, Now);
        var longer = await Store.ReserveAsync(Content, "links/c", Now + 3 * Day, Now);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(first is { Key: "links/a", Uploaded: false, Tries: 0 });
            Assert.That(again.Number, Is.EqualTo(first.Number));
            Assert.That(again.ExpiresAt, Is.EqualTo(Now + 2 * Day));
            Assert.That(longer.ExpiresAt, Is.EqualTo(Now + 3 * Day));
            Assert.That(longer.Content with { Sha256 = Content.Sha256 }, Is.EqualTo(Content));
        }
    }

    [Test]
    public async Task Reserve_AnotherTenantVolumePlaceOrHash_IsAnotherObject()
    {
        LinkContent[] contents =
        [
            Content,
            Content with
            {
                Tenant = "b",
            },
            Content with
            {
                VolumeTenant = "b",
            },
            Content with
            {
                Volume = "b",
            },
            Content with
            {
                Place = "b",
            },
            Content with
            {
                Sha256 = [9],
            },
        ];
        var numbers = new List<long>();
        foreach (var content in contents)
            numbers.Add((await Store.ReserveAsync(content, "links/a", Now + Day, Now)).Number);
        Assert.That(numbers, Is.Unique);
    }

    [Test]
    public async Task Add_Link_IsFoundByMessageAndByNumber()
    {
        var link = await AddAsync();
        await ReopenAsync();
        var found = await Store.LinksAsync(5, 1, Now);
        var stored = await Store.FindAsync(1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(link, Is.EqualTo(new FileLink(0, "a.pdf", 77, "https://x/1", Now + Day)));
            Assert.That(found, Is.EqualTo([link]));
            Assert.That(stored is { Number: 1, Name: "a.pdf", ContentType: "application/pdf", Object: { Key: "links/a", Uploaded: true } });
            Assert.That(await Store.LinksAsync(5, 2, Now), Is.Empty);
            Assert.That(await Store.LinksAsync(6, 1, Now), Is.Empty);
            Assert.That(await Store.LinksAsync(5, 1, Now + Day), Is.Empty);
            Assert.That(await Store.FindAsync(2), Is.Null);
        }
    }

    [Test]
    public async Task Add_ThereAlready_KeepsTheFirst()
    {
        var first = await AddAsync();
        Assert.That(await AddAsync("other.pdf"), Is.EqualTo(first));
    }

    [Test]
    public async Task Add_TheFirstNoLongerWorks_IsReplacedUnderANewNumber()
    {
        await AddAsync();
        var later = await AddAsync(now: Now + 2 * Day);
        Assert.That(later.Url, Is.EqualTo("https://x/2"));
        Assert.That(await Store.LinksAsync(5, 1, Now + 2 * Day), Is.EqualTo([later]));
    }

    [Test]
    public async Task Removals_Uploaded_ComeAfterTheLastLinkAndAgainUntilRemoved()
    {
        await AddAsync();
        var next = await Store.NextRemovalAsync();
        Assert.That(next, Is.InRange(Now + Day, Now + Day + 86_400_000));
        Assert.That(await Store.TakeRemovalsAsync(Now + Day, 10), Is.Empty);

        var due = (await Store.TakeRemovalsAsync(next!.Value, 10)).Single();
        await ReopenAsync();
        Assert.That(
            (await Store.TakeRemovalsAsync(next.Value, 10)).Single().Number,
            Is.EqualTo(due.Number),
            "a crash in between forgets nothing"
        );

        await Store.NotRemovedAsync(due.Number, next.Value + 1_000);
        Assert.That(await Store.TakeRemovalsAsync(next.Value + 999, 10), Is.Empty);
        Assert.That((await Store.TakeRemovalsAsync(next.Value + 1_000, 10)).Single().Tries, Is.EqualTo(1));

        await Store.RemovedAsync(due.Number);
        Assert.That(await Store.NextRemovalAsync(), Is.Null);
        Assert.That(await Store.FindAsync(1), Is.Null);
    }

    [Test]
    public async Task Reserve_WhileItIsRemoved_IsANewObject()
    {
        await AddAsync();
        var due = (await Store.TakeRemovalsAsync(Now + 9 * Day, 10)).Single();
        var fresh = await Store.ReserveAsync(Content, "links/new", Now + 20 * Day, Now + 9 * Day);
        Assert.That(fresh.Number, Is.Not.EqualTo(due.Number));
        Assert.That(fresh.Uploaded, Is.False);
    }

    [Test]
    public async Task Removals_NeverUploaded_ComeAfterADay()
    {
        await Store.ReserveAsync(Content, "links/a", Now + 30 * Day, Now);
        Assert.That(await Store.TakeRemovalsAsync(Now + Day - 1, 10), Is.Empty);
        Assert.That(await Store.TakeRemovalsAsync(Now + Day, 10), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Add_NotUploaded_Faults()
    {
        var kept = await Store.ReserveAsync(Content, "links/a", Now + Day, Now);
        Assert.That(
            () => Store.AddAsync(new(5, 1, 0, kept.Number, "a", "b/c", Now + Day), _ => "", Now),
            Throws.InstanceOf<StoreUnavailableException>()
        );
    }

    [Test]
    public async Task Add_SweptMeanwhile_Faults()
    {
        var kept = await Store.ReserveAsync(Content, "links/a", Now + Day, Now);
        await Store.UploadedAsync(kept.Number);
        await Store.RemovedAsync(kept.Number);
        Assert.That(
            () => Store.AddAsync(new(5, 1, 0, kept.Number, "a", "b/c", Now + Day), _ => "", Now),
            Throws.InstanceOf<StoreUnavailableException>()
        );
    }

    [Test]
    public async Task Open_NewMasterKeyFirst_TheSigningKeyMovesToItAndStaysTheSame()
    {
        var fresh = MasterKey.Generate();
        var both = await Bench.OpenLinksAsync(fresh, Bench.Key);
        var alone = await Bench.OpenLinksAsync(fresh);
        Assert.That(both.SigningKey.ToArray(), Is.EqualTo(Store.SigningKey.ToArray()));
        Assert.That(alone.SigningKey.ToArray(), Is.EqualTo(Store.SigningKey.ToArray()));
    }

    [Test]
    public async Task DeleteVolume_LinksIntoItStillWork_IsInUse()
    {
        var volumes = Bench.Configuration;
        await volumes.PutVolumeAsync(
            new()
            {
                Tenant = "default",
                Id = "files",
                Config = new VolumeConfig.Local("/srv"),
            },
            "ann"
        );
        var now = Bench.Now;
        var kept = await Store.ReserveAsync(new("acme", "default", "files", "local /srv", [1], 1), "links/a", now + 60_000, now);
        await Store.UploadedAsync(kept.Number);
        await Store.AddAsync(new(1, 1, 0, kept.Number, "a", "b/c", now + 60_000), _ => "", now);
        Assert.That(await volumes.DeleteVolumeAsync("default", "files", "ann"), Is.EqualTo(DeleteResult.InUse));
        await Store.RemovedAsync(kept.Number);
        Assert.That(await volumes.DeleteVolumeAsync("default", "files", "ann"), Is.EqualTo(DeleteResult.Deleted));
    }

    private async Task<FileLink> AddAsync(string name = "a.pdf", long now = Now)
    {
        var kept = await Store.ReserveAsync(Content, "links/a", now + Day, now);
        await Store.UploadedAsync(kept.Number);
        return await Store.AddAsync(new(5, 1, 0, kept.Number, name, "application/pdf", now + Day), number => $"https://x/{number}", now);
    }
}
