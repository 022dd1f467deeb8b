namespace MailProxy.Pipeline.Configuration;

/// <summary>Something that people configure, as it stands in the store.</summary>
/// <param name="Tenant">Whose it is; of a tenant its own id.</param>
/// <param name="Version">Raised by every change of a person's, and never given twice to resources of the same name; 0: not stored
/// yet.</param>
/// <param name="Value">What the stages consume, secrets opened; null: the stored row cannot be read, see <see cref="Damage"/>.</param>
public sealed record Resource<T>(string Tenant, string Id, long Version, T? Value)
    where T : class
{
    /// <summary>Why the stored row cannot be read; null: it can.</summary>
    public string? Damage { get; init; }

    /// <summary>What the store gave it, if its noun has numbers.</summary>
    public int Number { get; init; }

    // A record's generated text would carry secrets into a log.
    public override string ToString() => $"{Tenant}/{Id}";
}

/// <summary>What became of a deletion.</summary>
public enum DeleteResult : byte
{
    Deleted = 0,
    NotFound = 1,

    /// <summary>Something that is not finished needs it.</summary>
    InUse = 2,

    /// <summary>It is not in the version any more that was to be deleted.</summary>
    Changed = 3,

    /// <summary>Whoever asks may not delete it.</summary>
    Refused = 4,
}
