namespace MailProxy.Tests.Support;

/// <summary>A directory that goes with the test.</summary>
internal sealed class TempDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("mailproxy-test-").FullName;

    public static implicit operator string(TempDirectory directory) => directory.Path;

    public void Dispose()
    {
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }
}
