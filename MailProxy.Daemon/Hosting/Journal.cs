namespace MailProxy.Daemon.Hosting;

/// <summary>Whether the standard output is read by systemd's journal.</summary>
/// <param name="Proven">The output is the journal's own stream, so every line may begin with a priority.</param>
/// <param name="Likely">The daemon was started by systemd, and the output is neither a terminal nor a file.</param>
internal readonly record struct Journal(bool Proven, bool Likely)
{
    /// <param name="stream">systemd's <c>$JOURNAL_STREAM</c>: device and inode of the stream that it made for the output, or null.</param>
    /// <param name="invocation">systemd's <c>$INVOCATION_ID</c>, which children of children inherit too.</param>
    /// <param name="output">
    /// The standard output as the kernel names it: <c>socket:[4711]</c>, <c>pipe:[4712]</c>, or a path.
    /// </param>
    public static Journal Of(string? stream, string? invocation, string? output)
    {
        var isStream =
            output is not null
            && (output.StartsWith("socket:[", StringComparison.Ordinal) || output.StartsWith("pipe:[", StringComparison.Ordinal));
        if (string.IsNullOrEmpty(stream))
            return new(false, isStream && !string.IsNullOrEmpty(invocation));
        var inode = stream[(stream.IndexOf(':', StringComparison.Ordinal) + 1)..];
        var matches = isStream && output!.EndsWith($":[{inode}]", StringComparison.Ordinal);
        return new(matches, matches);
    }

    public static Journal Here() =>
        Of(
            Environment.GetEnvironmentVariable("JOURNAL_STREAM"),
            Environment.GetEnvironmentVariable("INVOCATION_ID"),
            OperatingSystem.IsLinux() ? new FileInfo("/proc/self/fd/1").LinkTarget : null
        );
}
