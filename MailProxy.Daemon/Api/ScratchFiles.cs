namespace MailProxy.Daemon.Api;

/// <summary>Files that live as long as one answer. They stand in the spool, whose sweep at the start takes what a crash left.</summary>
/// <param name="Directory">The spool's directory.</param>
public sealed record ScratchFiles(string Directory)
{
    /// <summary>Gone when it is closed, and its owner's only.</summary>
    public FileStream Make()
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var path = Path.Combine(Directory, "answer-" + Guid.NewGuid().ToString("N"));
        var file = new FileStream(path, options);

        // Where a file may be read that has no name any more, not even a crash leaves it.
        if (!OperatingSystem.IsWindows())
            File.Delete(path);
        return file;
    }
}
