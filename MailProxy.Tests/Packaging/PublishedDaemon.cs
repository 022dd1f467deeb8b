using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>What <c>dotnet publish</c> makes of the daemon that was built with these tests; or, where <c>TESTED_PUBLISH</c> names a
/// directory, what was published there before, as it is shipped.</summary>
internal sealed class PublishedDaemon : IDisposable
{
    private static readonly string? Shipped = Environment.GetEnvironmentVariable("TESTED_PUBLISH");

    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private readonly TempDirectory _directory = new();

    private PublishedDaemon() { }

    public string Path => Shipped ?? System.IO.Path.Combine(_directory, "publish");

    /// <summary>Where the runtime of these tests is installed.</summary>
    public static string Runtime =>
        System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."));

    public static async Task<PublishedDaemon> MakeAsync()
    {
        var published = new PublishedDaemon();
        if (Shipped is null)
            await PublishAsync(published.Path, "--no-build");
        return published;
    }

    /// <summary>Whether the runtime is in it, as in what is shipped.</summary>
    public static bool HasRuntime => Shipped is not null;

    private static async Task PublishAsync(string directory, params string[] options)
    {
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        var info = Run.Info(
            "dotnet",
            ["publish", Repository.File("MailProxy.Daemon"), "-c", configuration, .. options, "--nologo", "-v", "quiet", "-o", directory]
        );
        info.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        var (exitCode, output) = await Run.AsIsAsync(info, Deadline);
        Assert.That(exitCode, Is.Zero, output);
    }

    public void Dispose() => _directory.Dispose();
}
