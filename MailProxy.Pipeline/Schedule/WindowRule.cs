namespace MailProxy.Pipeline.Schedule;

/// <summary>So many in any stretch of so many seconds.</summary>
internal sealed class WindowRule(int seconds) : LimitRule(seconds)
{
    public RollingWindow Window { get; } = new(seconds);

    public override long Used => Window.Used;

    public void Advance(long now, int? limit, int? depth)
    {
        Window.Advance(now);
        Set(now, limit, depth);
    }

    protected override long FreeAt(long missing) => Window.PassedAt(missing);

    protected override IEnumerable<(long At, int Count)> Counted() => Window.Counted();
}
