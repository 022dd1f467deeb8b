using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>One source of one tenant. Messages that name exactly the same source may share what was fetched.</summary>
internal readonly record struct SourceKey(string Tenant, AttachmentPlace Place, SourceAuth? Auth);

/// <summary>
/// Remembers what each source returned last, and when that was requested. Bounded: the oldest results are forgotten. Not thread-safe.
/// </summary>
internal sealed class SourceIndex(int capacity)
{
    private readonly Dictionary<SourceKey, Answer> _answers = [];
    private readonly Queue<(SourceKey Key, long Began)> _order = new();

    public void Remember(in SourceKey key, in ContentDigest digest, long began)
    {
        _answers[key] = new(digest, began);
        _order.Enqueue((key, began));
        while (_order.Count > capacity)
        {
            var (oldest, at) = _order.Dequeue();
            if (_answers.TryGetValue(oldest, out var answer) && answer.Began == at)
                _answers.Remove(oldest);
        }
    }

    /// <summary>Finds what the source returned after the message was accepted; never a result older than the message.</summary>
    /// <param name="accepted">Unix milliseconds. A result of the same millisecond counts as older, since the order is unknown.</param>
    public bool TryFind(in SourceKey key, long accepted, long now, out ContentDigest digest)
    {
        digest = default;
        // A result from the future means that the clock was set back, so its time is meaningless.
        if (!_answers.TryGetValue(key, out var answer) || answer.Began <= accepted || answer.Began > now)
            return false;
        digest = answer.Digest;
        return true;
    }

    private readonly record struct Answer(ContentDigest Digest, long Began);
}
