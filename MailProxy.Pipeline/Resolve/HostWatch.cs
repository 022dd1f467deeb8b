namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Detects hosts that fail a tenant repeatedly, so that ten thousand mails do not each wait for a fetch that will fail. Counted per
/// tenant:
/// the failures of one tenant do not affect the others. Pure; not thread-safe.
/// </summary>
internal sealed class HostWatch
{
    /// <summary>Number of consecutive failures after which the host is paused.</summary>
    public const int FailuresBeforePause = 8;

    /// <summary>How long a host is paused, in milliseconds.</summary>
    public const long Pause = 15_000;

    private const int Most = 10_000;

    private readonly Dictionary<(string Tenant, string Host), (int Failures, long Until)> _hosts = [];

    public bool IsLeftAlone(string tenant, string host, long now) => _hosts.TryGetValue((tenant, host), out var row) && row.Until > now;

    public void Failed(string tenant, string host, long now)
    {
        if (_hosts.Count >= Most)
            _hosts.Clear();
        var failures = _hosts.GetValueOrDefault((tenant, host)).Failures + 1;
        _hosts[(tenant, host)] = (failures, failures >= FailuresBeforePause ? now + Pause : 0);
    }

    public void Answered(string tenant, string host) => _hosts.Remove((tenant, host));
}
