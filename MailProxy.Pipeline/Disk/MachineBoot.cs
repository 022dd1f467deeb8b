namespace MailProxy.Pipeline.Disk;

/// <summary>Which start of the machine this is: what was not synced is lost with each, and what ran before has ended.</summary>
internal static class MachineBoot
{
    private const string File = "/proc/sys/kernel/random/boot_id";

    /// <summary>Where nobody tells it: a new one for each process.</summary>
    public static string Id { get; } = System.IO.File.Exists(File) ? System.IO.File.ReadAllText(File).Trim() : Guid.NewGuid().ToString();
}
