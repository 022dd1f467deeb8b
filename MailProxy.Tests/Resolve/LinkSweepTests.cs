using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

[TestFixture]
internal sealed class LinkSweepTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private LinkRig _rig = null!;

    [SetUp]
    public async Task StartAsync() => _rig = await LinkRig.StartAsync();

    [TearDown]
    public void Stop() => _rig.Dispose();

    private Task<TimeSpan> SweepAsync() => _rig.Sweep.SweepAsync(CancellationToken.None);

    [Test]
    public async Task Sweep_InTime_LeavesThemAndSaysWhen()
    {
        await _rig.LinkAsync(LinkRig.File(LinkRig.Bytes(5_000)));
        Assert.That(await SweepAsync(), Is.EqualTo(TimeSpan.FromHours(1)), "at most an hour");
        _rig.Clock.Advance(TimeSpan.FromDays(2) + TimeSpan.FromMinutes(59));
        Assert.That(await SweepAsync(), Is.InRange(TimeSpan.FromSeconds(59), TimeSpan.FromMinutes(1)));
        Assert.That(_rig.Stored, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Sweep_VolumeIsDamaged_WaitsUntilItIsMended()
    {
        await _rig.LinkAsync(LinkRig.File(LinkRig.Bytes(5_000)));
        var whole = _rig.Volumes.Directory;
        _rig.Volumes.Swap(new([], [("default", "files")]));
        _rig.Clock.Advance(TimeSpan.FromDays(2) + TimeSpan.FromHours(1));
        await SweepAsync();
        Assert.That((_rig.Stored.Length, await _rig.Links.NextRemovalAsync() is null), Is.EqualTo((1, false)));

        _rig.Volumes.Swap(whole);
        _rig.Clock.Advance(TimeSpan.FromDays(1));
        await SweepAsync();
        Assert.That((_rig.Stored.Length, await _rig.Links.NextRemovalAsync() is null), Is.EqualTo((0, true)));
    }

    [Test]
    public async Task Sweep_TimeIsOver_FileAndRowsAreGone()
    {
        await _rig.LinkAsync(LinkRig.File(LinkRig.Bytes(5_000)));
        _rig.Clock.Advance(TimeSpan.FromDays(2) + TimeSpan.FromHours(1));
        await SweepAsync();
        Assert.That(_rig.Stored, Is.Empty);
        Assert.That(await _rig.Links.NextRemovalAsync(), Is.Null);
    }

    [Test]
    public async Task Sweep_LinkedAgainLater_LivesAsLongAsTheLastLink()
    {
        var file = LinkRig.File(LinkRig.Bytes(5_000));
        await _rig.LinkAsync(file);
        _rig.Clock.Advance(TimeSpan.FromDays(1));
        await _rig.LinkAsync(file, message: 2);
        _rig.Clock.Advance(TimeSpan.FromHours(26));
        await SweepAsync();
        Assert.That(_rig.Stored, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Sweep_VolumeInTrouble_ComesAgainMoreRarelyAndThenRemoves()
    {
        var real = (VolumeConfig.Local)_rig.Volumes.Directory.All.Single().Config;
        await _rig.LinkAsync(LinkRig.File(LinkRig.Bytes(5_000)));
        _rig.Clock.Advance(TimeSpan.FromDays(3));
        var away = _rig.Root + "-away";
        Directory.Move(_rig.Root, away);
        var waits = new List<double>();
        for (var i = 0; i < 3; i++)
        {
            waits.Add(Math.Round((await SweepAsync()).TotalMinutes));
            _rig.Clock.Advance(TimeSpan.FromMinutes(waits[^1]));
        }

        Directory.Move(away, _rig.Root);
        await SweepAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(waits, Is.EqualTo([5.0, 10, 20]));
            Assert.That(_rig.Stored, Is.Empty);
            Assert.That(await _rig.Links.NextRemovalAsync(), Is.Null);
            Assert.That(real.Root, Is.EqualTo(_rig.Root));
            Assert.That(_rig.Logged.Lines.Count(l => l.Text.Contains("could not be removed")), Is.EqualTo(3));
        }
    }

    [Test]
    public async Task Sweep_VolumeGoneOrElsewhere_LeavesTheFileAndSaysSo()
    {
        await _rig.LinkAsync(LinkRig.File(LinkRig.Bytes(5_000)));
        _rig.Use(new VolumeConfig.Local("/elsewhere"));
        _rig.Clock.Advance(TimeSpan.FromDays(3));
        await SweepAsync();
        Assert.That(_rig.Stored, Has.Length.EqualTo(1));
        Assert.That(_rig.Logged.Lines.Select(l => l.Text), Has.One.Contains("is left where it is"));
        Assert.That(await _rig.Links.NextRemovalAsync(), Is.Null);
    }

    [Test]
    public async Task Sweep_FileAlreadyGone_ForgetsIt()
    {
        await _rig.LinkAsync(LinkRig.File(LinkRig.Bytes(5_000)));
        File.Delete(Path.Combine(_rig.Root, _rig.Stored.Single()));
        _rig.Clock.Advance(TimeSpan.FromDays(3));
        await SweepAsync();
        Assert.That(await _rig.Links.NextRemovalAsync(), Is.Null);
    }

    [Test]
    public async Task Run_Stopped_Ends()
    {
        using var stop = new CancellationTokenSource();
        var run = _rig.Service.RunAsync(stop.Token);
        await stop.CancelAsync();
        await run.WaitAsync(Deadline);
    }

    [Test]
    public async Task Sweep_S3_ObjectIsDeleted()
    {
        await using var server = await S3Server.StartAsync("files");
        _rig.Use(LinkRig.Bucket(server, "out"));
        await _rig.LinkAsync(LinkRig.File(LinkRig.Bytes(5_000)));
        Assert.That(await server.ListAsync("files"), Does.Contain("<Key>out/links/acme/"));
        _rig.Clock.Advance(TimeSpan.FromDays(3));
        await SweepAsync();
        Assert.That(await server.ListAsync("files"), Does.Not.Contain("<Key>"));
    }

    [Test]
    public async Task Sweep_S3Down_ComesAgain()
    {
        var server = await S3Server.StartAsync("files");
        _rig.Use(LinkRig.Bucket(server));
        await _rig.LinkAsync(LinkRig.File(LinkRig.Bytes(5_000)));
        await server.DisposeAsync();
        _rig.Clock.Advance(TimeSpan.FromDays(3));
        Assert.That((await SweepAsync()).TotalMinutes, Is.EqualTo(5).Within(0.1));
    }

    [TestCase("http://xn--\u0378/")]
    [TestCase("http://a.example:0/")]
    [TestCase("http://[::1%25eth0]/")]
    public async Task Sweep_VolumeThatNoRequestCanBeMadeOf_IsPutOff_TheOthersGo(string endpoint)
    {
        await _rig.LinkAsync(LinkRig.File(LinkRig.Bytes(5_000)));
        var bad = new VolumeConfig.S3("bucket", null, "eu-x", new(endpoint), false, "a", "b", true);
        Volume[] volumes =
        [
            .. _rig.Volumes.Directory.All,
            new()
            {
                Tenant = "default",
                Id = "bad",
                AdminSet = true,
                Config = bad,
            },
        ];
        _rig.Volumes.Swap(new(volumes));
        for (var i = 0; i < 3; i++)
        {
            var content = new Pipeline.Storage.LinkContent(
                "acme",
                "default",
                "bad",
                Pipeline.Resolve.LinkAddress.Location(bad),
                LinkRig.Bytes(32, i),
                1
            );
            var lost = await _rig.Links.ReserveAsync(content, Pipeline.Resolve.LinkAddress.NewKey("acme"), _rig.Now + 1_000, _rig.Now);
            await _rig.Links.UploadedAsync(lost.Number);
        }

        _rig.Clock.Advance(TimeSpan.FromDays(3));

        Assert.That(await SweepAsync(), Is.EqualTo(TimeSpan.FromMinutes(5)));
        Assert.That(_rig.Stored, Is.Empty);
        Assert.That(
            _rig.Logged.Lines.Count(line => line.Text.Contains("could not be removed", StringComparison.Ordinal)),
            Is.EqualTo(1),
            "once, not for each file"
        );
    }
}
