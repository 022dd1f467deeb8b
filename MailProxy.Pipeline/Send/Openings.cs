using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Send;

/// <summary>An account's connections that are being opened. From any thread.</summary>
internal sealed class Openings(TimeProvider clock)
{
    private readonly Lock _gate = new();

    /// <summary>The longest under way first.</summary>
    private readonly List<Opening> _all = [];

    /// <summary>The one that takes longest, or null.</summary>
    public Connecting? Longest
    {
        get
        {
            lock (_gate)
                return _all.Count == 0 ? null : _all[0].ToConnecting();
        }
    }

    /// <summary>One more, until it is disposed.</summary>
    public Opening Begin(SmtpAccount account)
    {
        var opening = new Opening(this, ServerName.Of(account), clock.GetUtcNow());
        lock (_gate)
            _all.Add(opening);
        return opening;
    }

    internal sealed class Opening(Openings all, ServerName server, DateTimeOffset since) : IDisposable
    {
        /// <summary>Knows how far it is, once it has begun.</summary>
        public PhaseClock? Clock { get; set; }

        public Connecting ToConnecting() => new(server, since, Clock?.Phase ?? SmtpPhase.Connect);

        public void Dispose()
        {
            lock (all._gate)
                all._all.Remove(this);
        }
    }
}
