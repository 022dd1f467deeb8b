using MailProxy.Pipeline.Storage.Nodes;

namespace MailProxy.Daemon.Api;

/// <summary>The last requests of a day.</summary>
internal interface IRequestLog
{
    void Note(LoggedRequest request);

    /// <summary>Newest first.</summary>
    /// <param name="tenant">Null: of all, and of nobody.</param>
    /// <param name="before">Only those with a lower number; null: from the newest.</param>
    ValueTask<IReadOnlyList<LoggedRequest>> ReadAsync(string? tenant, bool failedOnly, string? message, long? before, int limit);

    /// <summary>A deleted tenant's requests are nobody's business any more.</summary>
    ValueTask ForgetAsync(string tenant);
}

/// <summary>
/// The last requests of a day, in memory, shared out among tenants: half of a tenant's part is for requests that failed, so that many good
/// ones do not push them out.
/// </summary>
internal sealed class RequestLog(TimeProvider clock, int capacity = RequestLog.UsualCapacity) : IRequestLog
{
    public const int UsualCapacity = 10_000;
    public const int MostMessages = 5;

    /// <summary>Whose requests had no key that is good.</summary>
    public const string Nobody = "";

    private const int LeastOfTenant = 4;

    public static readonly TimeSpan Kept = TimeSpan.FromDays(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (LinkedList<LoggedRequest> Good, LinkedList<LoggedRequest> Bad)> _tenants = new(
        StringComparer.Ordinal
    );
    private long _last;

    public void Note(LoggedRequest request)
    {
        lock (_gate)
        {
            if (!_tenants.TryGetValue(request.Tenant, out var queues))
            {
                queues = ([], []);
                _tenants.Add(request.Tenant, queues);
                foreach (var (good, bad) in _tenants.Values)
                {
                    Trim(good);
                    Trim(bad);
                }
            }

            var part = request.HasFailed ? queues.Bad : queues.Good;
            part.AddLast(request with { Number = ++_last });
            Trim(part);
        }
    }

    public ValueTask<IReadOnlyList<LoggedRequest>> ReadAsync(string? tenant, bool failedOnly, string? message, long? before, int limit) =>
        new(Read(tenant, failedOnly, message, before, limit));

    public IReadOnlyList<LoggedRequest> Read(string? tenant, bool failedOnly, string? message, long? before, int limit)
    {
        var since = clock.GetUtcNow().Subtract(Kept).ToUnixTimeMilliseconds();
        List<LoggedRequest> found = [];
        lock (_gate)
        {
            // Each request waits for this lock when it is noted: no more is looked at than the page needs.
            foreach (var (good, bad) in Of(tenant))
            {
                if (!failedOnly)
                    found.AddRange(Newest(good, since, before, message, limit));
                found.AddRange(Newest(bad, since, before, message, limit));
            }
        }

        return [.. found.OrderByDescending(static one => one.Number).Take(limit)];
    }

    private IEnumerable<(LinkedList<LoggedRequest> Good, LinkedList<LoggedRequest> Bad)> Of(string? tenant) =>
        tenant is null ? _tenants.Values
        : _tenants.TryGetValue(tenant, out var one) ? [one]
        : [];

    private static IEnumerable<LoggedRequest> Newest(LinkedList<LoggedRequest> part, long since, long? before, string? message, int limit)
    {
        var seen = 0;
        for (var node = part.Last; node is not null && seen < limit && node.Value.At >= since; node = node.Previous)
        {
            var one = node.Value;
            if ((before is not null && one.Number >= before) || (message is not null && !one.Messages.Contains(message)))
                continue;
            seen++;
            yield return one;
        }
    }

    public ValueTask ForgetAsync(string tenant)
    {
        Forget(tenant);
        return ValueTask.CompletedTask;
    }

    public void Forget(string tenant)
    {
        lock (_gate)
            _tenants.Remove(tenant);
    }

    private void Trim(LinkedList<LoggedRequest> part)
    {
        var most = Math.Max(LeastOfTenant, capacity / _tenants.Count) / 2;
        while (part.Count > most)
            part.RemoveFirst();
    }
}
