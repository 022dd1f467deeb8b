namespace MailProxy.Tests.Schedule;

/// <summary>Counts a limit exactly: what went in any stretch of so many seconds.</summary>
internal sealed class ExactWindow(int seconds, int limit)
{
    private readonly Queue<(long At, int Count)> _counts = [];
    private long _used;

    public bool Add(long now, int count)
    {
        while (_counts.TryPeek(out var oldest) && now - oldest.At >= seconds * 1000L)
            _used -= _counts.Dequeue().Count;
        _counts.Enqueue((now, count));
        return (_used += count) <= limit;
    }

    public override string ToString() => $"{limit} in {seconds} s";
}
