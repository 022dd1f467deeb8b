using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// A mail that was set aside: the attachments it already has, and how many are missing. It holds its content and the capacity reserved for
/// it until the mail is sent.
/// </summary>
/// <param name="slots">Its slots among the mails that wait; null when it has none.</param>
internal sealed class WaitingMail(QueuedMail ticket, int attachments, IDisposable? slots)
{
    private readonly Lock _gate = new();
    private readonly List<FetchPermit> _permits = [];
    private LocalContent[]? _files = new LocalContent[attachments];
    private int _missing = attachments;
    private bool _ready;

    public QueuedMail Ticket { get; } = ticket;

    /// <summary>The trace that the mail belongs to; null: none.</summary>
    public TraceContext? Trace { get; init; }

    /// <summary>Ends the wait and gives the slots back.</summary>
    public void EndWait() => slots?.Dispose();

    /// <summary>Whether the mail is already decided, and accepts no more content.</summary>
    public bool IsOver
    {
        get
        {
            lock (_gate)
                return _files is null;
        }
    }

    /// <summary>Adds one content, with the capacity reserved for it. True: it was the last missing one.</summary>
    public bool Give(int index, LocalContent content, FetchPermit? permit)
    {
        lock (_gate)
        {
            if (_files is not null)
            {
                _files[index] = content;
                if (permit is not null)
                    _permits.Add(permit);
                return --_missing == 0;
            }
        }

        content.Dispose();
        permit?.Release();
        return false;
    }

    /// <summary>Marks the mail as ready: it has everything, and is sent as soon as it may.</summary>
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
    /// Takes the content, which the caller disposes, and releases the reserved capacity. Null when it was taken or given up before.
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

    /// <summary>Gives up the content. False when it was taken or given up before.</summary>
    public bool Discard()
    {
        if (Take() is not { } files)
            return false;
        foreach (var file in files)
            file?.Dispose();
        return true;
    }
}
