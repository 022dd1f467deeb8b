using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

// Ingest → Persist.

/// <summary>A submission, judged: one line a draft, in request order. Stored whole or not at all.</summary>
public sealed record AcceptedBatch(Submission Submission, IReadOnlyList<AcceptedLine> Lines);

/// <summary>An accepted mail, or the problem that refuses it.</summary>
public readonly record struct AcceptedLine(AcceptedMail? Mail, string? Id, Problem? Problem);

/// <summary>A mail that may be stored as it is.</summary>
public sealed record AcceptedMail
{
    public required MessageKey Key { get; init; }

    /// <summary>SHA-256 of the draft's canonical JSON; null when the id was made here and the draft has no file.</summary>
    public byte[]? ContentHash { get; init; }

    /// <summary>The same of <c>raw</c> as it came, which is what former versions kept; null: it came in the octets of the wire.</summary>
    public byte[]? HashAsWritten { get; init; }

    /// <summary>The account that it goes by; of a pool's mail none yet.</summary>
    public required AccountKey Account { get; init; }

    /// <summary>The pool whose accounts it may go by; null: it goes by its account.</summary>
    public PoolKey? Pool { get; init; }

    /// <summary>Ids of the pool's accounts that may not send from its From address, with commas between; null: none.</summary>
    public string? NotBy { get; init; }

    /// <summary>The one account of the pool that may send from its From address; null: there are several.</summary>
    public AccountKey? Only { get; init; }

    /// <summary>The lane that it waits in. What has one account only does not hold up others of the pool.</summary>
    public LaneKey Lane =>
        Only is { } only ? Lanes.Of(only)
        : Pool is { } pool ? Lanes.Of(pool)
        : Lanes.Of(Account);

    public required Priority Priority { get; init; }

    /// <summary>RFC 5321 reverse-path, bare address; "" is the null reverse-path.</summary>
    public required string EnvelopeSender { get; init; }

    /// <summary>RCPT addresses in the order to, cc, bcc, each once.</summary>
    public required IReadOnlyList<string> Recipients { get; init; }

    public string? Subject { get; init; }
    public required long CreatedAt { get; init; }

    /// <summary>Not before; null: by arrival.</summary>
    public long? SendAt { get; init; }

    public required long ExpiresAt { get; init; }

    /// <summary>The Message-ID header, with angle brackets; the same in every attempt.</summary>
    public required string MessageIdHeader { get; init; }

    public string? Batch { get; init; }

    /// <summary>JSON array of strings, or null.</summary>
    public string? Tags { get; init; }

    /// <summary>JSON object, or null.</summary>
    public string? Metadata { get; init; }

    public AmbiguousPolicy OnAmbiguous { get; init; }

    /// <summary>The trace that is stored with it; null: it belongs to none.</summary>
    public TraceContext? Trace { get; init; }

    public required StoredBody Body { get; init; }

    /// <summary>Attachments whose content is fetched just before the attempt.</summary>
    public int Sources { get; init; }

    /// <summary>
    /// Attachments, by their place in the list, and the volumes that they name. The commit asks whether those are still there.
    /// </summary>
    public IReadOnlyList<(int Attachment, string Volume)> Volumes { get; init; } = [];
}

/// <summary>A draft's JSON as UTF-8: in the row, or, when larger than 256 KB, in a spool file that is already synced.</summary>
/// <param name="SpoolFile">File name below the spool directory, or null.</param>
public readonly record struct StoredBody(ReadOnlyMemory<byte> Inline, string? SpoolFile, long Size);
