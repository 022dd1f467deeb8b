namespace MailProxy.Pipeline.Send;

/// <summary>
/// What is known of a server about the envelope of the next mail behind the end of the one before. Some servers that offer PIPELINING
/// answer it with 503, or hang up; what fails so goes again alone, and only when that ends better the server is to blame. Pure but for what
/// it remembers; from any thread.
/// </summary>
/// <param name="told">Called when it is turned off, with why and until when.</param>
internal sealed class ServerPipelining(TimeProvider clock, Action<PipeliningStop, DateTimeOffset> told)
{
    /// <summary>How long nothing goes behind the end of a mail after that went wrong.</summary>
    public static readonly TimeSpan OffFor = TimeSpan.FromDays(1);

    /// <summary>A final reply that takes longer is slow, and for <see cref="SlowFor"/> no mail waits behind another.</summary>
    public static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    /// <inheritdoc cref="Slow"/>
    public static readonly TimeSpan SlowFor = TimeSpan.FromMinutes(1);

    // A proof that nobody brought to its end, because the program was told to stop or the mail was withdrawn.
    private static readonly TimeSpan ProofOver = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private bool _proven,
        _suspect;
    private int _died;
    private long? _proving,
        _slow;
    private (PipeliningStop Why, DateTimeOffset Until)? _off;

    /// <summary>Why nothing goes behind the end of a mail, and until when; null: it may.</summary>
    public (PipeliningStop Why, DateTimeOffset Until)? Off
    {
        get
        {
            lock (_gate)
                return Stopped();
        }
    }

    /// <summary>Whether it is worth asking for the next mail.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_gate)
                return MayGo();
        }
    }

    /// <summary>
    /// Whether an envelope may go out with the end of a mail now; null: no. False: it is the proof, of which there is one at a time.
    /// </summary>
    public bool? Ask()
    {
        lock (_gate)
        {
            if (!MayGo())
                return null;
            if (!_proven)
                _proving = clock.GetTimestamp();
            return _proven;
        }
    }

    /// <summary>Learns from a transaction, before it is tried again.</summary>
    public void Learn(TransactionResult result)
    {
        lock (_gate)
        {
            if (result is { WasAhead: true, Phase: SmtpPhase.Body or SmtpPhase.Final })
                (_proven, _proving) = (true, null);
            if (result is { Phase: not SmtpPhase.Final } or { End: TransactionEnd.Aborted or TransactionEnd.Unmarked })
                return;
            if (result.Ending is not null)
                Lived(result);
            else
                Died(result);
        }
    }

    /// <summary>Whether how it ended may be for what went with it in one write: then it is tried again alone.</summary>
    public bool Doubts(TransactionResult result)
    {
        lock (_gate)
        {
            var isDoubtful = result switch
            {
                { End: TransactionEnd.Aborted or TransactionEnd.Unmarked or TransactionEnd.BadAddress } => false,

                // Its end was refused, with an envelope behind it.
                { HadNextBehind: true, Phase: SmtpPhase.Final, Ending.Refuses: true } => !_proven,
                { WasAhead: false } or { Phase: > SmtpPhase.Data } => false,

                // Commands out of order, says the server; or the sender is not to its taste.
                { Phase: SmtpPhase.Mail, Ending: { IsPermanent: true } } => true,

                // A reply out of turn: the server has miscounted, and nothing of this mail has begun.
                { Ending.Refuses: false } or { Fault: SmtpGarbageException } => true,
                _ => !_proven,
            };
            _suspect |= isDoubtful;
            return isDoubtful;
        }
    }

    /// <summary>What came of a doubtful one when it was tried alone.</summary>
    public void Compare(TransactionResult doubtful, TransactionResult alone)
    {
        lock (_gate)
        {
            (_suspect, _proving) = (false, null);
            var isBetter = alone.Phase > doubtful.Phase || (alone.Phase == SmtpPhase.Final && alone.Ending is { IsPositive: true });
            if (isBetter)
                TurnOff(doubtful.Ending is null ? PipeliningStop.HangsUp : PipeliningStop.Refuses);
        }
    }

    /// <summary>It could not be tried alone.</summary>
    public void LeaveOpen()
    {
        lock (_gate)
            (_suspect, _proving) = (false, null);
    }

    private bool MayGo() => !_suspect && !Within(_slow, SlowFor) && Stopped() is null && (_proven || !Within(_proving, ProofOver));

    private void Lived(TransactionResult result)
    {
        if (result.FinalTook > Slow)
            _slow = clock.GetTimestamp();
        if (result.HadNextBehind)
            _died = 0;
        else if (_died >= (_proven ? 2 : 1))
            TurnOff(PipeliningStop.HangsUp);
        if (_died == 0 || !result.HadNextBehind)
            _suspect = false;
    }

    // Many connections that die at once are one death: the server was stopped.
    private void Died(TransactionResult result)
    {
        if (!result.HadNextBehind)
            (_died, _suspect) = (0, false);
        else if (!_suspect)
            (_died, _suspect) = (_died + 1, true);
    }

    private void TurnOff(PipeliningStop why)
    {
        var until = clock.GetUtcNow() + OffFor;
        (_died, _proven, _off) = (0, false, (why, until));
        told(why, until);
    }

    private (PipeliningStop, DateTimeOffset)? Stopped() => _off is { } off && clock.GetUtcNow() < off.Until ? off : null;

    private bool Within(long? since, TimeSpan time) => since is { } then && clock.GetElapsedTime(then) < time;
}

/// <summary>Why nothing goes behind the end of a mail to a server.</summary>
internal enum PipeliningStop : byte
{
    /// <summary>It refuses what goes alone.</summary>
    Refuses,

    /// <summary>It hangs up, or falls silent, where it does not when a mail goes alone.</summary>
    HangsUp,
}
