namespace MailProxy.Pipeline.Disk;

/// <summary>What was done to a file of the data directory.</summary>
internal enum DiskStep
{
    Made,
    Wrote,
    Moved,
    Removed,

    /// <summary>What was done before is on the disk for sure only after <see cref="Synced"/>. Of a directory: its entries.</summary>
    Syncing,
    Synced,
}

/// <summary>Hears of a step, on the thread that took it, before the next.</summary>
/// <param name="to">The new path, of <see cref="DiskStep.Moved"/>.</param>
/// <param name="at">Where <paramref name="octets"/> stand, of <see cref="DiskStep.Wrote"/>.</param>
internal delegate void DiskStepTaken(DiskStep step, string path, string? to, long at, ReadOnlySpan<byte> octets);

/// <summary>
/// Tells whoever listens what is written, renamed and synced beside the database, whose own layer of files SQLite lets be replaced. From
/// both together follows what a power cut at any instant may leave. In service nobody listens.
/// </summary>
internal static class DiskSteps
{
    public static event DiskStepTaken? Taken;

    public static void Tell(DiskStep step, string path, string? to = null) => Taken?.Invoke(step, path, to, 0, []);

    public static void Wrote(string path, long at, ReadOnlySpan<byte> octets) => Taken?.Invoke(DiskStep.Wrote, path, null, at, octets);
}
