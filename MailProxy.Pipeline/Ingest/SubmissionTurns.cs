using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Ingest;

/// <summary>
/// Decides whose submission is validated next: tenants take turns, and none occupies more workers than its share. However many submissions
/// of a tenant wait, and however long they take, another tenant's submission finds a worker.
/// </summary>
internal sealed class SubmissionTurns
{
    private readonly Lock _gate = new();
    private readonly int _workers;
    private readonly TenantShare _share;
    private readonly Func<string, Submission, bool> _may;
    private readonly TenantQueue<Submission> _waiting = new();
    private readonly Dictionary<string, int> _running = new(StringComparer.Ordinal);
    private int _busy;

    public SubmissionTurns(int workers, TenantShare share)
    {
        (_workers, _share) = (workers, share);
        _may = (tenant, _) => Running(tenant) is var running && _share.Allows(_workers, _busy - running, running, 1);
    }

    /// <summary>How many workers a tenant's submissions occupy now, and the most that they may.</summary>
    public (long Held, long Allowed) Of(string tenant)
    {
        lock (_gate)
        {
            var running = Running(tenant);
            return (running, Math.Max(1, _share.Of(_workers, _busy - running)));
        }
    }

    public void Add(Submission submission)
    {
        lock (_gate)
            _waiting.Enqueue(submission.Tenant, submission);
    }

    /// <summary>
    /// False when nothing waits that may have a worker now. A submission that was taken occupies a worker until <see cref="Done"/>.
    /// </summary>
    public bool TryTake([NotNullWhen(true)] out Submission? submission)
    {
        lock (_gate)
        {
            if (!_waiting.TryDequeue(_may, out submission))
                return false;
            CollectionsMarshal.GetValueRefOrAddDefault(_running, submission.Tenant, out _)++;
            _busy++;
            return true;
        }
    }

    public void Done(Submission submission)
    {
        lock (_gate)
        {
            if (--CollectionsMarshal.GetValueRefOrNullRef(_running, submission.Tenant) == 0)
                _running.Remove(submission.Tenant);
            _busy--;
        }
    }

    private int Running(string tenant) => _running.GetValueOrDefault(tenant);
}
