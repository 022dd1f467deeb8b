namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>What one slice is to take away, as a reading found it; the write looks once more.</summary>
internal sealed class PurgePlan
{
    /// <summary>Messages whose content goes.</summary>
    public List<Finished> Contents { get; } = [];

    /// <summary>What goes as a whole: messages, and events that are about none.</summary>
    public List<Finished> Records { get; } = [];

    /// <summary>What the walk passes by, to be looked at again in its tenant's own time.</summary>
    public List<(Finished Subject, int Stage)> Later { get; } = [];

    public List<HoldOver> Drops { get; } = [];

    /// <summary>How far the walks along the log have come; null: where they were.</summary>
    public long? ContentCursor { get; set; }

    public long? MetadataCursor { get; set; }

    /// <summary>The tenant that was looked at again last; the next look goes on behind it. "": all were.</summary>
    public string Tenant { get; set; } = "";

    public bool More { get; set; }

    public long NextDue { get; set; } = long.MaxValue;

    public bool IsEmpty =>
        Contents.Count + Records.Count + Later.Count + Drops.Count == 0 && ContentCursor is null && MetadataCursor is null;

    public void Due(long at) => NextDue = Math.Min(NextDue, at);
}

/// <summary>A message that is final, by its last event; or an event that is about none.</summary>
/// <param name="Subject">The message's number; below 0 the event's position, negated.</param>
internal readonly record struct Finished(long Subject, string Tenant, long Position, long At);

/// <summary>A webhook that is paused or disabled, and events that waited for it too long.</summary>
/// <param name="Through">Nothing up to here waits for it any more.</param>
/// <param name="Events">How many it would have been told.</param>
internal sealed record HoldOver(string Tenant, string Id, long Through, long Events);
