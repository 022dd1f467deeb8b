using System.Runtime.InteropServices;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>A folder with files and links, and a source that reads it.</summary>
internal abstract class LocalSourceFixture
{
    protected TempDirectory _directory = null!;
    protected SourceBench _bench = null!;

    protected string Root => Path.Combine(_directory, "root");
    protected string Outside => Path.Combine(_directory, "outside");

    [SetUp]
    public void LayOut()
    {
        _directory = new();
        foreach (var name in new[] { "root/sub/deep", "outside", "root-too" })
            Directory.CreateDirectory(Path.Combine(_directory, name));
        File.WriteAllText(Path.Combine(Root, "sub", "a b%.pdf"), "inside");
        File.WriteAllText(Path.Combine(Outside, "secret"), "outside");
        File.WriteAllText(Path.Combine(_directory, "root-too", "secret"), "outside");
        _bench = new(new() { AllowedRoots = [Root], MaxAttachmentBytes = 100_000 });
        _bench.Set("docs", new VolumeConfig.Local(Root));
    }

    [TearDown]
    public void CleanUp()
    {
        _bench.Dispose();
        _directory.Dispose();
    }

    protected string Link(string name, string target)
    {
        File.CreateSymbolicLink(Path.Combine(Root, name), target);
        return name;
    }

    // Past the notation, which refuses most of them already.
    protected async Task<SourceException?> TryRawAsync(AttachmentPlace place)
    {
        try
        {
            await using var opened = await _bench.Sources.OpenAsync("default", new(0, place), default).WaitAsync(SourceBench.Deadline);
            return null;
        }
        catch (SourceException error)
        {
            return error;
        }
    }

    [DllImport("libc", EntryPoint = "mkfifo", SetLastError = true)]
    protected static extern int MakePipe(string path, uint mode);
}
