using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Mails that have all their attachments and wait to be sent; their content is held for them for a limited time.</summary>
internal sealed class ReadyMails : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<QueuedMail, WaitingMail> _mails = [];
    private readonly Queue<(DateTimeOffset Until, WaitingMail Mail)> _order = new();
    private readonly TimeSpan _reserve;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;

    public ReadyMails(TimeSpan reserve, TimeProvider clock)
    {
        (_reserve, _clock) = (reserve, clock);
        _timer = clock.CreateTimer(static mails => ((ReadyMails)mails!).Expire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Add(WaitingMail mail)
    {
        lock (_gate)
        {
            _mails[mail.Ticket] = mail;
            _order.Enqueue((_clock.GetUtcNow() + _reserve, mail));
            if (_order.Count == 1)
                _timer.Change(_reserve, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The content held for this mail; null when there is none, or it is held no longer.</summary>
    public LocalContent[]? Take(QueuedMail ticket)
    {
        lock (_gate)
        {
            if (!_mails.Remove(ticket, out var mail))
                return null;
            return mail.Take();
        }
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void Expire()
    {
        lock (_gate)
        {
            var now = _clock.GetUtcNow();
            while (_order.TryPeek(out var next) && next.Until <= now)
            {
                _order.Dequeue();
                if (_mails.TryGetValue(next.Mail.Ticket, out var mail) && mail == next.Mail)
                    _mails.Remove(mail.Ticket);
                next.Mail.Discard();
            }

            if (_order.TryPeek(out var first))
                _timer.Change(first.Until - now, Timeout.InfiniteTimeSpan);
        }
    }
}
