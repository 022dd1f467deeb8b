using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// The tickets that are claimed. In memory only, because one process owns the file and a restart ends every claim; the mark decides in any
/// remaining race.
/// </summary>
internal sealed class Claims
{
    private readonly Lock _gate = new();

    // With revision and attempt, so that a late release of an old ticket does not end the claim of the new one.
    private readonly HashSet<(long Id, int Revision, int Attempt)> _out = [];

    /// <summary>Claims a ticket; false when it is claimed already.</summary>
    public bool TryAdd(long id, int revision, int attempt)
    {
        lock (_gate)
            return _out.Add((id, revision, attempt));
    }

    public bool Contains(long id, int revision, int attempt)
    {
        lock (_gate)
            return _out.Contains((id, revision, attempt));
    }

    public void Remove(QueuedMail ticket)
    {
        lock (_gate)
            _out.Remove((ticket.Id, ticket.Revision, ticket.Attempt));
    }

    public void Clear()
    {
        lock (_gate)
            _out.Clear();
    }
}
