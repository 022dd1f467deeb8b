using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// The mail of a pool that may go by accounts only that are busy, while what is behind it goes by the others. Set aside in memory, a few of
/// a lane; it is looked at again whenever an account of the pool stands otherwise, and at a time. Pure.
/// </summary>
internal sealed class StandBy
{
    /// <summary>What more there is, is put off on the disk.</summary>
    private const int Most = 32;

    private readonly List<QueuedMail> _tickets = [];

    /// <summary>When they are looked at again (Unix milliseconds); <see cref="long.MaxValue"/>: there are none.</summary>
    public long Until { get; private set; } = long.MaxValue;

    public bool IsFull => _tickets.Count >= Most;

    public void Add(in QueuedMail ticket, long until)
    {
        _tickets.Add(ticket);
        Until = Math.Min(Until, until);
    }

    public IReadOnlyList<QueuedMail> Take()
    {
        Until = long.MaxValue;
        if (_tickets.Count == 0)
            return [];
        QueuedMail[] all = [.. _tickets];
        _tickets.Clear();
        return all;
    }
}
