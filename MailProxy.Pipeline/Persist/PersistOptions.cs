using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Persist;

/// <summary>How much goes into one transaction. A submission is never split, so a single one may exceed the limits.</summary>
public sealed class PersistOptions
{
    /// <summary>Messages of one transaction; a request is never split.</summary>
    [Range(1, 10_000)]
    public int MaxMails { get; set; } = 256;

    /// <summary>Bytes of bodies in one transaction, spool files not counted.</summary>
    [Range(65_536, 268_435_456)]
    public long MaxBytes { get; set; } = 4 * 1024 * 1024;
}
