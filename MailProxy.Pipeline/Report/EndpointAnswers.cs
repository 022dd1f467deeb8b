using MailProxy.Pipeline.Configuration.Webhooks;

namespace MailProxy.Pipeline.Report;

/// <summary>How an endpoint answered a request.</summary>
/// <param name="RequestId">The value of <c>webhook-id</c>; <c>test_…</c> of a test.</param>
/// <param name="At">When the request had ended, in Unix milliseconds.</param>
/// <param name="Took">From the beginning of the request.</param>
/// <param name="Status">The HTTP status; null: there was no answer.</param>
/// <param name="Error">Why it does not acknowledge, in words; null: it does.</param>
/// <param name="Excerpt">The beginning of the answer's text; null: it has none, or one that would show credentials.</param>
public sealed record EndpointAnswer(string RequestId, long At, TimeSpan Took, int? Status, string? Error, string? Excerpt);

/// <summary>
/// The last answers of each endpoint, in memory and bounded: <see cref="Most"/> of one, and of <see cref="MostEndpoints"/> endpoints, those
/// that answered last. Safe to call from any thread.
/// </summary>
public sealed class EndpointAnswers
{
    public const int Most = 20;
    public const int MostEndpoints = 1_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Tenant, string Id), Queue<EndpointAnswer>> _kept = [];
    private readonly Dictionary<(string Tenant, string Id), long> _turns = [];
    private long _turn;

    public void Note(WebhookEndpoint endpoint, EndpointAnswer answer)
    {
        var key = (endpoint.Tenant, endpoint.Id);
        lock (_gate)
        {
            if (!_kept.TryGetValue(key, out var answers))
            {
                if (_kept.Count == MostEndpoints)
                    Forget(_turns.MinBy(static one => one.Value).Key);
                _kept[key] = answers = new(Most);
            }

            if (answers.Count == Most)
                answers.Dequeue();
            answers.Enqueue(answer);
            _turns[key] = ++_turn;
        }
    }

    /// <summary>Of one endpoint, the newest first.</summary>
    public IReadOnlyList<EndpointAnswer> Of(string tenant, string id)
    {
        lock (_gate)
            return _kept.TryGetValue((tenant, id), out var answers) ? [.. answers.Reverse()] : [];
    }

    /// <summary>Forgets those of endpoints that are not among these: a new one of an old name inherits nothing.</summary>
    public void KeepOnly(IEnumerable<WebhookEndpoint> endpoints)
    {
        lock (_gate)
        {
            if (_kept.Count == 0)
                return;
            var there = endpoints.Select(static endpoint => (endpoint.Tenant, endpoint.Id)).ToHashSet();
            foreach (var key in _kept.Keys.Where(key => !there.Contains(key)).ToList())
                Forget(key);
        }
    }

    private void Forget((string, string) key)
    {
        _kept.Remove(key);
        _turns.Remove(key);
    }
}
