namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Knows which hosts fail a tenant again and again, so that ten thousand mails do not wait one after the other for what will not come. What
/// one tenant asks for in vain is nothing to the others. Pure; not safe for threads.
/// </summary>
internal sealed class HostWatch
{
    /// <summary>So many failures in a row, nothing between them, and the host is left alone.</summary>
    public const int Patience = 8;

    /// <summary>For so long (milliseconds).</summary>
    public const long Pause = 15_000;

    private const int Most = 10_000;

    private readonly Dictionary<(string Tenant, string Host), (int Failures, long Until)> _hosts = [];

    public bool IsLeftAlone(string tenant, string host, long now) => _hosts.TryGetValue((tenant, host), out var row) && row.Until > now;

    public void Failed(string tenant, string host, long now)
    {
        if (_hosts.Count >= Most)
            _hosts.Clear();
        var failures = _hosts.GetValueOrDefault((tenant, host)).Failures + 1;
        _hosts[(tenant, host)] = (failures, failures >= Patience ? now + Pause : 0);
    }

    public void Answered(string tenant, string host) => _hosts.Remove((tenant, host));
}
