using System.Collections.Frozen;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>Which events a webhook wants: what decides on sending them, and on waiting for its answer before something is purged. Pure.</summary>
internal sealed class Subscription(IReadOnlyList<string> types, bool finalOnly)
{
    private readonly FrozenSet<string> _types = types.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Of the types wanted; with final_only, those that say a message's last word.</summary>
    public bool Wants(EventType type, bool aboutMessage, MessageState status) =>
        (_types.Count == 0 || _types.Contains(type.Name())) && (!finalOnly || (aboutMessage && status.IsFinal()));
}
