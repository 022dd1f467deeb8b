namespace MailProxy.Pipeline.Configuration.Volumes;

/// <summary>Reads a volume without changing it, and says what it saw.</summary>
public interface IVolumeProbe
{
    /// <summary>Never throws but for a cancellation.</summary>
    /// <param name="path">A file to read the beginning of; null: the volume as a whole.</param>
    Task<VolumeTest> TestAsync(Volume volume, string? path, CancellationToken cancel);
}

/// <summary>What a test of a volume saw.</summary>
/// <param name="Ok">It can be read.</param>
/// <param name="Took">Until that was known.</param>
/// <param name="Status">The HTTP status, when there was an answer.</param>
/// <param name="Code">The store's own error code (<c>NoSuchBucket</c>), or ours (<c>gone</c>, <c>refused</c>, <c>down</c>).</param>
/// <param name="Objects">Files seen in a look at the first 1,000; null when the backend cannot list, or a path was asked for.</param>
/// <param name="More">There are more than were looked at.</param>
/// <param name="Size">Bytes of the file asked for, when known.</param>
/// <param name="Error">For a person; never a secret.</param>
public sealed record VolumeTest(
    bool Ok,
    TimeSpan Took,
    int? Status = null,
    string? Code = null,
    long? Objects = null,
    bool More = false,
    long? Size = null,
    string? Error = null
);
