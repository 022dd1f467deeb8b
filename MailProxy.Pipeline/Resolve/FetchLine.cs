using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>One attachment that a mail waits for.</summary>
/// <param name="Place">Its place among those that the mail fetches.</param>
/// <param name="Accepted">When the client's request was accepted; nothing older will do.</param>
internal readonly record struct Piece(WaitingMail Mail, AttachmentRef Wanted, int Place, long Accepted);

/// <summary>
/// All who wait for one source. One fetch at a time serves all who waited when it began; who comes later may carry what is newer, and waits
/// for the next. Under the fetcher's lock.
/// </summary>
internal sealed class FetchLine(SourceKey key)
{
    private List<Piece> _waiting = [];

    public SourceKey Key { get; } = key;

    public bool IsEmpty => _waiting.Count == 0;

    public void Add(in Piece piece) => _waiting.Add(piece);

    /// <summary>All who wait now.</summary>
    public List<Piece> Take()
    {
        var taken = _waiting;
        _waiting = [];
        return taken;
    }

    /// <summary>
    /// Takes the last out of a list, since whoever was served must not be told of what happens to the others; null: there is none.
    /// </summary>
    public static Piece? Last(List<Piece> waiting)
    {
        if (waiting.Count == 0)
            return null;
        var last = waiting[^1];
        waiting.RemoveAt(waiting.Count - 1);
        return last;
    }

    /// <summary>Back, before those who came meanwhile.</summary>
    public void PutBack(List<Piece> pieces)
    {
        pieces.AddRange(_waiting);
        _waiting = pieces;
    }
}
