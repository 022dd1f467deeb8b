using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>Runs <c>packaging/build</c> on what was published already.</summary>
internal static class PackageBuild
{
    /// <summary>The file that it made.</summary>
    public static async Task<string> MakeAsync(string kind, string published, string version, string output)
    {
        // Packed once and unpacked once: pressing them would take longer than everything else.
        var (exitCode, text) = await Run.AsIsAsync(
            "env",
            [
                "DEB_COMPRESSION=none",
                Repository.File("packaging/build"),
                "--published",
                published,
                "--version",
                version,
                "--out",
                output,
                kind,
            ]
        );
        Assert.That(exitCode, Is.Zero, text);
        var made = text.Split('\n').Last(line => line.StartsWith("packaging/build: ", StringComparison.Ordinal))[
            "packaging/build: ".Length..
        ];
        Assert.That(made, Does.Exist);
        return made;
    }
}
