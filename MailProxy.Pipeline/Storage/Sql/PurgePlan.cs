namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>What one slice is to purge, as a reader found it; the writer checks each once more.</summary>
internal sealed class PurgePlan
{
    /// <summary>Messages whose content is purged.</summary>
    public List<Finished> Contents { get; } = [];

    /// <summary>Messages to be purged entirely, and events that are not about a message.</summary>
    public List<Finished> Records { get; } = [];

    /// <summary>What the walk skips, to be checked again in its tenant's own time.</summary>
    public List<(Finished Subject, int Stage)> Later { get; } = [];

    public List<HoldOver> Drops { get; } = [];

    /// <summary>What was said in attempts that ended before this is purged; null: there is none.</summary>
    public long? AttemptsBefore { get; set; }

    /// <summary>The new positions of the walks through the log; null: unchanged.</summary>
    public long? ContentCursor { get; set; }

    public long? MetadataCursor { get; set; }

    /// <summary>The last tenant that was checked again, after which the next check continues. "": all were checked.</summary>
    public string Tenant { get; set; } = "";

    public bool More { get; set; }

    public long NextDue { get; set; } = long.MaxValue;

    public bool IsEmpty =>
        Contents.Count + Records.Count + Later.Count + Drops.Count == 0
        && ContentCursor is null
        && MetadataCursor is null
        && AttemptsBefore is null;

    public void Due(long at) => NextDue = Math.Min(NextDue, at);
}

/// <summary>A final message, by its last event; or an event that is not about a message.</summary>
/// <param name="Subject">The message's number; negative: the negated position of an event.</param>
internal readonly record struct Finished(long Subject, string Tenant, long Position, long At);

/// <summary>A paused or disabled webhook, with events that waited for it too long.</summary>
/// <param name="Through">Up to this position nothing waits for it any more.</param>
/// <param name="Events">How many events it would have received.</param>
internal sealed record HoldOver(string Tenant, string Id, long Through, long Events);
