namespace MailProxy.Pipeline.Send;

/// <summary>The mails of one account that wait for a connection, first come first served, and how many loops serve them. From any
/// thread.</summary>
internal sealed class SendLine
{
    private readonly Lock _gate = new();
    private readonly Queue<PendingMail> _waiting = new();
    private int _loops;

    /// <summary>Nobody waits and nothing is sent.</summary>
    public bool IsOver
    {
        get
        {
            lock (_gate)
                return _loops == 0 && _waiting.Count == 0;
        }
    }

    /// <summary>True: the caller has to start a loop for it.</summary>
    /// <param name="most">How many loops there may be.</param>
    public bool Add(PendingMail mail, int most)
    {
        lock (_gate)
        {
            _waiting.Enqueue(mail);
            if (_loops >= most)
                return false;
            _loops++;
            return true;
        }
    }

    public PendingMail? Take()
    {
        lock (_gate)
            return _waiting.TryDequeue(out var mail) ? mail : null;
    }

    /// <summary>Null: nobody waits, and the loop that asked is no more.</summary>
    public PendingMail? TakeOrEnd()
    {
        lock (_gate)
        {
            if (_waiting.TryDequeue(out var mail))
                return mail;
            _loops--;
            return null;
        }
    }
}
