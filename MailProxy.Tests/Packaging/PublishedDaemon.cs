using System.Diagnostics;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>What <c>dotnet publish</c> makes of the daemon that was built with these tests.</summary>
internal sealed class PublishedDaemon : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private readonly TempDirectory _directory = new();

    private PublishedDaemon() { }

    public string Path => System.IO.Path.Combine(_directory, "publish");

    /// <summary>Where the runtime of these tests is installed.</summary>
    public static string Runtime =>
        System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."));

    public static async Task<PublishedDaemon> MakeAsync()
    {
        var published = new PublishedDaemon();
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        var info = Run.Info(
            "dotnet",
            "publish",
            Repository.File("MailProxy.Daemon"),
            "-c",
            configuration,
            "--no-build",
            "--nologo",
            "-v",
            "quiet",
            "-o",
            published.Path
        );
        info.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using var process = Process.Start(info)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Deadline);
        Assert.That(process.ExitCode, Is.Zero, await output + await error);
        return published;
    }

    public void Dispose() => _directory.Dispose();
}
