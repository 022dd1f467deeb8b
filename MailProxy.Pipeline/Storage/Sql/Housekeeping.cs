namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Deletes old rows that no reader uses any more: a small slice in a turn that writes anyway, so that it wakes no idle machine. Readers
/// ignore
/// rows that are too old, so deleting them late does no harm.
/// </summary>
internal sealed class Housekeeping(TimeProvider clock)
{
    private const int Slice = 200;

    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private DateTimeOffset _next;

    /// <summary>Runs inside a turn's transaction.</summary>
    public void Work(Session session)
    {
        var now = clock.GetUtcNow();
        if (now < _next)
            return;
        var at = now.ToUnixTimeMilliseconds();
        var more =
            IdempotencyRows.Forget(session, at, Slice) == Slice
            | LimitUses.Forget(session, at, Slice) == Slice
            | SqlDestinationUses.Forget(session, at, Slice) == Slice;
        if (!more)
            _next = now + Pause;
    }
}
