using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>One source of one tenant: messages that name the very same one may share what was fetched.</summary>
internal readonly record struct SourceKey(string Tenant, AttachmentPlace Place, SourceAuth? Auth);

/// <summary>
/// What each source gave last, and when that was asked for. Bounded: the oldest answers are forgotten. Not safe for threads.
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

    /// <summary>What the source gave after the message was accepted: never anything that is older than the message.</summary>
    /// <param name="accepted">Unix milliseconds. In the same one nobody knows which was first, so that counts as too old.</param>
    public bool TryFind(in SourceKey key, long accepted, long now, out ContentDigest digest)
    {
        digest = default;
        // An answer from the future: the clock was set back, and its times say nothing any more.
        if (!_answers.TryGetValue(key, out var answer) || answer.Began <= accepted || answer.Began > now)
            return false;
        digest = answer.Digest;
        return true;
    }

    private readonly record struct Answer(ContentDigest Digest, long Began);
}
