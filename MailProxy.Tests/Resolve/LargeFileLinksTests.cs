using System.Security.Cryptography;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Resolve;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

[TestFixture]
internal sealed class LargeFileLinksTests
{
    private LinkRig _rig = null!;

    [SetUp]
    public async Task StartAsync() => _rig = await LinkRig.StartAsync();

    [TearDown]
    public void Stop() => _rig.Dispose();

    [Test]
    public async Task Apply_LargeFile_IsBelowTheRootAndLinked()
    {
        var content = LinkRig.Bytes(5_000);
        var made = await _rig.ApplyAsync([LinkRig.File(LinkRig.Bytes(1_000), "small.txt"), LinkRig.File(content, index: 1)]);
        var link = made!.Links.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(link is { Index: 1, Name: "plan.pdf", Size: 5_000 });
            Assert.That(link.Url, Does.StartWith("https://mail.example/d/"));
            Assert.That(link.ExpiresAt, Is.EqualTo(_rig.Now + 2 * 86_400_000));
            Assert.That(_rig.Stored.Single(), Does.Match("^links/acme/[0-9a-f]{32}$"));
            Assert.That(await File.ReadAllBytesAsync(Path.Combine(_rig.Root, _rig.Stored.Single())), Is.EqualTo(content));
            Assert.That(made.Warnings, Is.Empty);
        }
    }

    [Test]
    public async Task Apply_LaterAttempt_HasTheSameLinkWhateverTheRuleSaysThen()
    {
        LargeFile[] files = [LinkRig.File(LinkRig.Bytes(5_000))];
        var first = await _rig.ApplyAsync(files);
        _rig.Clock.Advance(TimeSpan.FromHours(5));
        var same = await _rig.ApplyAsync(files, attempt: 1, mayUpload: false);
        var rejecting = await _rig.ApplyAsync(files, new(1, LargeFileAction.Reject), attempt: 2);
        Assert.That(same!.Links, Is.EqualTo(first!.Links));
        Assert.That(rejecting!.Links, Is.EqualTo(first.Links));
        Assert.That(_rig.Stored, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Apply_AnotherRevision_HasALinkOfItsOwn()
    {
        var first = await _rig.ApplyAsync([LinkRig.File(LinkRig.Bytes(5_000))]);
        var second = await _rig.ApplyAsync([LinkRig.File(LinkRig.Bytes(6_000, seed: 2))], revision: 2);
        Assert.That(second!.Links.Single().Url, Is.Not.EqualTo(first!.Links.Single().Url));
        Assert.That(second.Links.Single().Size, Is.EqualTo(6_000));
    }

    [Test]
    public async Task Apply_SameContentInManyMessages_LiesThereOnceUnderManyNames()
    {
        var content = LinkRig.Bytes(5_000);
        var opened = 0;
        var links = await Task.WhenAll(
            Enumerable
                .Range(1, 20)
                .Select(message =>
                    Task.Run(() =>
                        _rig.LinkAsync(
                            new(
                                0,
                                $"{message}.pdf",
                                null,
                                content.Length,
                                false,
                                () =>
                                {
                                    Interlocked.Increment(ref opened);
                                    return new MemoryStream(content);
                                },
                                SHA256.HashData(content)
                            ),
                            message
                        )
                    )
                )
        );
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_rig.Stored, Has.Length.EqualTo(1));
            Assert.That(links.Select(l => l.Url), Is.Unique);
            Assert.That(links.Select(l => l.Name), Is.Unique);
            Assert.That(opened, Is.EqualTo(1), "one upload");
        }
    }

    [Test]
    public async Task Apply_MayNotUpload_IsNullUntilItIsThere()
    {
        LargeFile[] files = [LinkRig.File(LinkRig.Bytes(5_000))];
        Assert.That(await _rig.ApplyAsync(files, mayUpload: false), Is.Null);
        Assert.That(_rig.Stored, Is.Empty);
        var made = await _rig.ApplyAsync(files);
        Assert.That((await _rig.ApplyAsync(files, mayUpload: false))!.Links, Is.EqualTo(made!.Links));
    }

    [Test]
    public async Task Apply_Warn_IsSentAndLoggedWithoutItsName()
    {
        var made = await _rig.ApplyAsync([LinkRig.File(LinkRig.Bytes(5_000))], new(1_000, LargeFileAction.Warn));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(made!.Links, Is.Empty);
            Assert.That(made.Warnings, Is.EqualTo(["attachment 0 has 5000 bytes, more than the 1000 of the rule for large files"]));
            Assert.That(
                _rig.Logged.Lines.Select(l => l.Text),
                Has.One.Contains("attachment 0 has 5000 bytes").And.None.Contains("plan.pdf")
            );
        }
    }

    [Test]
    public void Apply_Reject_IsRefusedForGood()
    {
        var refusal = Assert.ThrowsAsync<SourceException>(() =>
            _rig.ApplyAsync([LinkRig.File(LinkRig.Bytes(5_000))], new(1_000, LargeFileAction.Reject))
        );
        Assert.That((refusal!.Fault, refusal.Status), Is.EqualTo((SourceFault.Refused, "5.3.4")));
        Assert.That(refusal.Message, Is.EqualTo("Attachment 'plan.pdf' (0.0 MB) exceeds limit (0.001 MB)"));
    }

    [Test]
    public async Task Apply_ShownByTheHtml_StaysAnAttachment()
    {
        var made = await _rig.ApplyAsync([LinkRig.File(LinkRig.Bytes(5_000), inline: true)]);
        Assert.That((made!.Links.Count, made.Warnings.Count), Is.EqualTo((0, 1)));
    }

    [Test]
    public async Task Apply_NothingLarge_TouchesNoStore() =>
        Assert.That(await _rig.ApplyAsync([LinkRig.File(LinkRig.Bytes(10))]), Is.SameAs(LinkedFiles.None));

    [Test]
    public void Apply_VolumeGoneOrWrongOrRootMissing_WaitsAndNamesIt()
    {
        LargeFile[] files = [LinkRig.File(LinkRig.Bytes(5_000))];
        Trouble("is not there", () => _rig.Volumes.Swap(new([])));
        Trouble("must be s3, or local", () => _rig.Use(new VolumeConfig.Http(new("https://x/"), null)));
        Trouble("cannot be written", () => _rig.Use(new VolumeConfig.Local(Path.Combine(_rig.Root, "missing"))));
        Trouble(
            "connection refused by 127.0.0.1:1",
            () => _rig.Use(new VolumeConfig.S3("files", null, "us-east-1", new("http://127.0.0.1:1"), true, "a", "b", true))
        );
        Assert.That(Directory.Exists(Path.Combine(_rig.Root, "missing")), Is.False, "a root that is not mounted is not made");

        void Trouble(string text, Action configure)
        {
            configure();
            var fault = Assert.ThrowsAsync<SourceException>(() => _rig.ApplyAsync(files));
            Assert.That(fault!.Fault, Is.EqualTo(SourceFault.Down));
            Assert.That(fault.Message, Does.Contain(text).And.Contain("'files'"));
        }
    }

    [Test]
    public async Task Apply_UploadFailedOnce_IsDoneByTheNextAttempt()
    {
        LargeFile[] files = [LinkRig.File(LinkRig.Bytes(5_000))];
        _rig.Use(new VolumeConfig.Local(Path.Combine(_rig.Root, "later")));
        Assert.ThrowsAsync<SourceException>(() => _rig.ApplyAsync(files));
        Directory.CreateDirectory(Path.Combine(_rig.Root, "later"));
        Assert.That((await _rig.ApplyAsync(files, attempt: 1))!.Links, Has.Count.EqualTo(1));
    }

    [Test]
    public void Apply_FolderIsALink_IsNotFollowed()
    {
        var outside = Directory.CreateDirectory(Path.Combine(_rig.Root, "outside")).FullName;
        var root = Directory.CreateDirectory(Path.Combine(_rig.Root, "root")).FullName;
        File.CreateSymbolicLink(Path.Combine(root, "links"), outside);
        _rig.Use(new VolumeConfig.Local(root));
        Assert.ThrowsAsync<SourceException>(() => _rig.ApplyAsync([LinkRig.File(LinkRig.Bytes(5_000))]));
        Assert.That(Directory.EnumerateFileSystemEntries(outside), Is.Empty);
    }
}
