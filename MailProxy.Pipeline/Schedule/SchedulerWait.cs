using System.Threading.Channels;
using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Schedule;

/// <summary>The scheduler's wait for a wake, a ticket, capacity downstream, or a time. Used by its loop only.</summary>
internal sealed class SchedulerWait(ChannelReader<QueuedMail> input, ChannelWriter<DueMail> next, Wake wake, TimeProvider clock)
    : IAsyncDisposable
{
    /// <summary>The clock is read again after this long at most (milliseconds): it may step, and the machine may sleep.</summary>
    public const long Longest = 60_000;

    private readonly ITimer _timer = clock.CreateTimer(
        static wake => ((Wake)wake!).Look(),
        wake,
        Timeout.InfiniteTimeSpan,
        Timeout.InfiniteTimeSpan
    );
    private Task<bool>? _ticket;
    private Task<bool>? _downstream;
    private bool _ticketsEnded;

    /// <summary>The channel downstream is closed.</summary>
    public bool NextClosed { get; private set; }

    /// <summary>Whether one more mail may be written downstream; if not, the next wait ends when one may.</summary>
    public bool HasCapacity()
    {
        if (NextClosed || _downstream is not null)
            return false;
        var writable = next.WaitToWriteAsync();
        if (!writable.IsCompletedSuccessfully)
        {
            _downstream = writable.AsTask();
            return false;
        }

        NextClosed = !writable.GetAwaiter().GetResult();
        return !NextClosed;
    }

    /// <summary>Returns when something has happened, or at that time (Unix milliseconds), or after <see cref="Longest"/>.</summary>
    public async ValueTask UntilAsync(long time)
    {
        if (NextClosed || !SetTimer(time))
            return;
        if (!_ticketsEnded)
            _ticket ??= input.WaitToReadAsync().AsTask();
        var news = wake.WaitAsync();
        if (!news.IsCompleted)
            await Task.WhenAny(news, _ticket ?? news, _downstream ?? news);

        if (_ticket is { IsCompleted: true })
        {
            _ticketsEnded = !await _ticket;
            _ticket = null;
        }

        if (_downstream is { IsCompleted: true })
        {
            NextClosed = !await _downstream;
            _downstream = null;
        }
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    // False: it is that time already. The clock is read again after the timer was set: if it moved meanwhile, the timer would fire late.
    private bool SetTimer(long time)
    {
        for (var now = Now(); ; )
        {
            var rest = Math.Min(time - now, Longest);
            if (rest <= 0)
                return false;
            _timer.Change(TimeSpan.FromMilliseconds(rest), Timeout.InfiniteTimeSpan);
            var again = Now();
            if (again == now)
                return true;
            now = again;
        }
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
