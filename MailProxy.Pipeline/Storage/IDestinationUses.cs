using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>What accounts have sent to single domains, and the mail that waits for such a limit. Times are Unix milliseconds.</summary>
public interface IDestinationUses
{
    /// <summary>What counts in windows that have not passed yet.</summary>
    Task<IReadOnlyList<DestinationUse>> ReadAsync(long now);

    /// <summary>The mail of a lane that was put off because of a destination's limit is due at once: at most so many, how many.</summary>
    Task<int> HastenAsync(LaneKey lane, int limit);
}

/// <summary>So many recipients or messages in a slot of a window.</summary>
/// <param name="WindowSeconds">60, 3,600 or 86,400; a start takes the last second from the minute.</param>
/// <param name="Slot">When the slot begins.</param>
public sealed record DestinationUse(AccountKey Account, string Domain, int WindowSeconds, long Slot, int Count);

/// <summary>What an attempt counts against the limits for a domain.</summary>
/// <param name="Windows">Seconds of those that are kept.</param>
public sealed record DestinationCount(string Domain, int Count, IReadOnlyList<int> Windows);
