using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>One attachment that a mail waits for.</summary>
/// <param name="Index">Its index among the attachments that the mail fetches.</param>
/// <param name="Accepted">When the client's request was accepted; content fetched earlier is not used.</param>
internal readonly record struct Piece(WaitingMail Mail, AttachmentRef Wanted, int Index, long Accepted);

/// <summary>
/// The mails that wait for one source. One fetch serves all that were waiting when it began; a mail that joins later may refer to newer
/// content, and waits for the next fetch. Used under the lock of <see cref="FetchLines"/>.
/// </summary>
internal sealed class FetchLine(SourceKey key)
{
    private List<Piece> _waiting = [];

    public SourceKey Key { get; } = key;

    public bool IsEmpty => _waiting.Count == 0;

    public void Add(in Piece piece) => _waiting.Add(piece);

    /// <summary>Removes and returns all that wait now.</summary>
    public List<Piece> Take()
    {
        var taken = _waiting;
        _waiting = [];
        return taken;
    }

    /// <summary>
    /// Removes and returns the last item, since a mail that was served must not be told what happens to the others; null when the list is
    /// empty.
    /// </summary>
    public static Piece? Last(List<Piece> waiting)
    {
        if (waiting.Count == 0)
            return null;
        var last = waiting[^1];
        waiting.RemoveAt(waiting.Count - 1);
        return last;
    }

    /// <summary>Puts items back, before those that joined in the meantime.</summary>
    public void PutBack(List<Piece> pieces)
    {
        pieces.AddRange(_waiting);
        _waiting = pieces;
    }
}
