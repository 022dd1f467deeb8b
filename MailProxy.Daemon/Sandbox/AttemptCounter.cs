namespace MailProxy.Daemon.Sandbox;

/// <summary>
/// Counts the attempts per address, for rehearsals that accept after a number of refusals. Shared by all connections; the addresses known
/// longest are forgotten first.
/// </summary>
internal sealed class AttemptCounter(int capacity = 10_000)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _attempts = new(StringComparer.OrdinalIgnoreCase);
    private readonly Queue<string> _order = new();

    /// <summary>Counts one more attempt and returns its number, from 1.</summary>
    public int Next(string address)
    {
        lock (_lock)
        {
            if (_attempts.TryGetValue(address, out var tried))
                return _attempts[address] = tried + 1;
            if (_attempts.Count == capacity)
                _attempts.Remove(_order.Dequeue());
            _order.Enqueue(address);
            return _attempts[address] = 1;
        }
    }
}
