namespace MailProxy.Pipeline.Mail;

/// <summary>
/// Whose turn it is among the mail of one lane and priority: a batch's, by a hash of its name, or that of all mail without a batch (0). It
/// is the same in every lane and after every start.
/// </summary>
public readonly record struct FlowKey(long Number)
{
    // Six bytes: as many as a row of the queue and two entries of its indexes are to have more.
    private const ulong Most = (1UL << 48) - 1;

    /// <summary>
    /// FNV-1a of the characters, 64 bits folded to 48. Stored, so it must never change. Two batches of one hash share one turn, which takes
    /// some ten million batches in one lane.
    /// </summary>
    public static FlowKey Of(string? batch)
    {
        if (batch is null)
            return default;
        var hash = 0xCBF29CE484222325UL;
        foreach (var character in batch)
            hash = (hash ^ character) * 0x100000001B3UL;
        return new((long)Math.Max(1, (hash ^ (hash >> 48)) & Most));
    }
}
