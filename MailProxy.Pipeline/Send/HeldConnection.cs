using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Send;

/// <summary>A connection that one loop sends over, and the mail that it sends next.</summary>
/// <param name="isWaitedFor">Somebody waits for what this loop takes up beside the connection.</param>
internal sealed class HeldConnection(SmtpPool pool, SendLine line, SendRun run, Func<bool> isWaitedFor)
{
    /// <summary>Behind a larger one (octets) no other mail waits: a server that looks into what it takes may need long for it.</summary>
    public const int LargestBefore = 128 * 1024;

    // Mails in a row while others wait for a connection.
    private const int InRow = 8;

    // Chosen, in the order of their turns.
    private readonly Queue<PendingMail> _chosen = new();
    private PendingMail? _last;
    private int _row;

    public SmtpConnection? Connection { get; private set; }

    /// <summary>One of the account as it is now.</summary>
    /// <exception cref="SmtpOpenException">None could be had.</exception>
    public async ValueTask<SmtpConnection> GetAsync(SmtpAccount account) =>
        Connection ??= await pool.RentAsync(account, run.Opening, run.Abort);

    /// <summary>One that is opened now: what an older one does proves nothing.</summary>
    /// <exception cref="SmtpOpenException">None could be had.</exception>
    public async ValueTask<SmtpConnection> FreshAsync(SmtpAccount account)
    {
        Release();
        return Connection = await pool.RentAsync(account, run.Opening, run.Abort, fresh: true);
    }

    /// <summary>Another one instead, which is not told anything yet.</summary>
    /// <exception cref="SmtpOpenException">None could be had.</exception>
    public async ValueTask<SmtpConnection> ReplaceAsync()
    {
        var dead = Connection!;
        Connection = null;
        dead.Abandon();
        return Connection = await pool.ReplaceAsync(dead, run.Opening);
    }

    /// <summary>Gives the connection back, if there is one.</summary>
    public void Release()
    {
        _row = 0;
        if (Connection is not { } connection)
            return;
        Connection = null;
        if (connection.HasAhead)
            connection.Abandon(); // whatever is said next would be part of the mail that it expects
        pool.Return(connection);
    }

    /// <summary>The mail whose envelope may go out with the end of <paramref name="current"/>, taken out of the line; null: none.</summary>
    public NextEnvelope? Choose(RenderedMail current)
    {
        var connection = Connection!;
        if (connection.Chunks)
            return ChooseWhole(connection);
        if (
            connection is not { Account.Pipelining: SmtpPipelining.Next, Offers.Pipelining: true, Messages: > 1, Server: { } server }
            || current.Length > LargestBefore
            || run.Opening.IsCancellationRequested
            || !MayGoOn(connection)
            || !server.IsOpen
            || Chosen() is not { Mail.Due.IsProbe: false } next
            || !next.Prepare()
            || !next.Outgoing!.Fits(connection.Offers)
            || !SmtpCommands.MayBePut(next.Outgoing.Envelope)
            || server.Ask() is not { } isProven
        )
        {
            return null;
        }

        return new(next.Outgoing, isProven);
    }

    // Of the mails that go out whole, the last that was chosen has not gone if something spoke against it.
    private NextEnvelope? ChooseWhole(SmtpConnection connection)
    {
        if (run.Opening.IsCancellationRequested || !MayGoOn(connection))
            return null;
        if (_last is not { IsOut: false })
        {
            if ((_last = line.Take()) is null)
                return null;
            _chosen.Enqueue(_last);
        }

        var next = _last;
        return next.Mail.Due.IsProbe || !next.Prepare() || !next.MayFollowWhole(connection.Offers)
            ? null
            : new(next.Outgoing!, true, next.Mark, () => Goes(next, connection));
    }

    private static void Goes(PendingMail mail, SmtpConnection connection)
    {
        mail.IsOut = true;
        connection.CountAhead();
    }

    private PendingMail? Chosen()
    {
        if (_chosen.TryPeek(out var next))
            return next;
        if (line.Take() is { } taken)
            _chosen.Enqueue(taken);
        return _chosen.TryPeek(out next) ? next : null;
    }

    /// <summary>The next mail, over this connection or without one; null: nobody waits.</summary>
    public PendingMail? TakeNext()
    {
        var next = _chosen.TryDequeue(out var chosen) ? chosen : line.Take();
        if (_last == next)
            _last = null;
        _row++;
        if (Connection is not { } connection)
            return next;
        var isFit = connection.Awaits(next?.Outgoing)
            ? next!.IsOut || pool.IsCurrent(connection)
            : next is not null && !connection.HasAhead && MayGoOn(connection);
        if (!isFit)
            Release();
        return next;
    }

    private bool MayGoOn(SmtpConnection connection) =>
        pool.MayGoOn(connection, evenIfWaitedFor: _row < InRow) && (_row < InRow || !isWaitedFor());
}
