using System.Text;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

internal sealed class SpoolFilesTests
{
    private DirectoryInfo _directory = null!;
    private SpoolFiles _spool = null!;

    [SetUp]
    public void MakeSpool()
    {
        _directory = Directory.CreateTempSubdirectory("mailproxy-spool-");
        _spool = new(Path.Combine(_directory.FullName, "spool"));
    }

    [TearDown]
    public void DropSpool() => _directory.Delete(recursive: true);

    [Test]
    public async Task Write_Content_IsReadBack()
    {
        var name = await _spool.WriteAsync(Encoding.UTF8.GetBytes("hello"));

        Assert.That(Encoding.UTF8.GetString((await _spool.ReadAsync(name)).Json.Span), Is.EqualTo("hello"));
    }

    [Test]
    public void Read_MissingFile_ThrowsIOException() =>
        Assert.That(async () => await _spool.ReadAsync("nothing"), Throws.InstanceOf<IOException>());

    [Test]
    public async Task Sweep_Files_KeepsTheReferencedOnly()
    {
        var kept = await _spool.WriteAsync(new byte[] { 1 });
        await _spool.WriteAsync(new byte[] { 2 });
        File.WriteAllText(Path.Combine(_directory.FullName, "spool", "half.part"), "");

        Assert.That(_spool.Sweep(new HashSet<string> { kept }), Is.EqualTo(2));
        Assert.That(
            Directory.GetFiles(Path.Combine(_directory.FullName, "spool")).Select(f => Path.GetFileName(f)),
            Is.EqualTo(new[] { kept })
        );
    }

    [Test]
    public async Task Delete_File_IsGoneAndAgainIsNoFault()
    {
        var name = await _spool.WriteAsync(new byte[] { 1 });

        _spool.Delete(name);
        _spool.Delete(name);

        Assert.That(async () => await _spool.ReadAsync(name), Throws.InstanceOf<IOException>());
    }

    [Test]
    public async Task Write_DirectoryGone_IsMadeAgainForItsOwnerOnly()
    {
        Directory.Delete(Path.Combine(_directory.FullName, "spool"));

        var name = await _spool.WriteAsync(new byte[] { 1 });
        Assert.That((await _spool.ReadAsync(name)).Json.ToArray(), Is.EqualTo(new byte[] { 1 }));
        if (!OperatingSystem.IsWindows())
            Assert.That(
                File.GetUnixFileMode(Path.Combine(_directory.FullName, "spool")),
                Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute)
            );
    }

    [Test]
    public void Write_DirectoryAndTheOneAboveGone_ThrowsIOExceptionAndMakesNothing()
    {
        Directory.Delete(_directory.FullName, recursive: true);

        Assert.That(async () => await _spool.WriteAsync(new byte[] { 1 }), Throws.InstanceOf<IOException>());
        Assert.That(Directory.Exists(_directory.FullName), Is.False);
        Directory.CreateDirectory(_directory.FullName);
    }

    [Test]
    public void FreeBytes_RealDisk_IsPositive() => Assert.That(_spool.FreeBytes(), Is.Positive);
}
