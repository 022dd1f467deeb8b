namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// A mail that was set aside: what it has already, and how much is missing. It holds its content and the capacity that was reserved for it
/// until the mail's turn.
/// </summary>
/// <param name="place">Its place among the mails that wait; null: it has none.</param>
internal sealed class WaitingMail(QueuedMail ticket, int attachments, IDisposable? place)
{
    private readonly Lock _gate = new();
    private readonly List<FetchPermit> _permits = [];
    private LocalContent[]? _files = new LocalContent[attachments];
    private int _missing = attachments;
    private bool _ready;

    public QueuedMail Ticket { get; } = ticket;

    /// <summary>It waits no longer.</summary>
    public void EndWait() => place?.Dispose();

    /// <summary>It was decided already, and takes nothing more.</summary>
    public bool IsOver
    {
        get
        {
            lock (_gate)
                return _files is null;
        }
    }

    /// <summary>Hands one content over, with the capacity it takes. True: that was the last.</summary>
    public bool Give(int place, LocalContent content, FetchPermit? permit)
    {
        lock (_gate)
        {
            if (_files is not null)
            {
                _files[place] = content;
                if (permit is not null)
                    _permits.Add(permit);
                return --_missing == 0;
            }
        }

        content.Dispose();
        permit?.Release();
        return false;
    }

    /// <summary>All is here, and the mail goes as soon as it may.</summary>
    public void Ready()
    {
        lock (_gate)
        {
            _ready = true;
            foreach (var permit in _permits)
                permit.Ready();
        }
    }

    /// <summary>
    /// The content, to be disposed by the caller; the reserved capacity is free from now on. Null: it was taken, or let go.
    /// </summary>
    public LocalContent[]? Take()
    {
        lock (_gate)
        {
            if (_files is not { } files)
                return null;
            _files = null;
            foreach (var permit in _permits)
                permit.Release(_ready);
            _permits.Clear();
            return files;
        }
    }

    /// <summary>Gives up what it has. False: somebody did so before, or took it.</summary>
    public bool LetGo()
    {
        if (Take() is not { } files)
            return false;
        foreach (var file in files)
            file?.Dispose();
        return true;
    }
}
