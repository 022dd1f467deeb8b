namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// The numbers that the writer gives, which rise with the commits: those of the turn under way are given again when it is undone.
/// </summary>
internal sealed class NumberLine
{
    private (long Event, long Message) _committed;

    /// <summary>The position of the last event.</summary>
    public long LastEvent { get; set; }

    /// <summary>The arrival number of the last message.</summary>
    public long LastMessage { get; set; }

    /// <summary>Nothing beyond these was committed.</summary>
    public void StartAt(long lastEvent, long lastMessage)
    {
        _committed = (lastEvent, lastMessage);
        Forget();
    }

    public void Keep() => _committed = (LastEvent, LastMessage);

    public void Forget() => (LastEvent, LastMessage) = _committed;
}
