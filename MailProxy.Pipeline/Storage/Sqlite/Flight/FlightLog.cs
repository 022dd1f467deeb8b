using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage.Sql;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Sqlite.Flight;

/// <summary>
/// The marks of the attempts under way, in a file of their own beside the database: a mark is one write of a slot, and all marks that came
/// while the disk was busy share its next sync. What is written without a sync outlives the end of the process, but not a power cut.
/// </summary>
internal sealed partial class FlightLog : IMarkLog, IDisposable
{
    private readonly FlightFile _file;
    private readonly ILogger _logger;
    private readonly object _gate = new(); // Monitor's Wait and Pulse need one; Lock has neither
    private readonly Stack<int> _free = new();
    private readonly Dictionary<int, byte[]> _used = [];
    private readonly Stack<byte[]> _spare = new();
    private readonly Thread _thread;
    private List<TaskCompletionSource<bool>> _waiting = [],
        _syncing = [];
    private readonly byte[] _run;
    private bool _stopping,
        _failed;

    // Why what was written before a failed sync could not be written again. The thread's own.
    private StoreUnavailableException? _again;

    /// <param name="run">This run's id, which stands in every slot.</param>
    /// <param name="carried">What stands in the first slots already.</param>
    public FlightLog(FlightFile file, byte[] run, IReadOnlyList<byte[]> carried, ILogger logger)
    {
        (_file, _run, _logger) = (file, run, logger);
        for (var slot = FlightFile.Slots - 1; slot >= carried.Count; slot--)
            _free.Push(slot);
        for (var slot = 0; slot < carried.Count; slot++)
            _used.Add(slot, carried[slot]);
        _thread = new(Run) { IsBackground = true, Name = "flight log" };
        _thread.Start();
    }

    /// <summary>Attempts in the log.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _used.Count;
        }
    }

    /// <summary>What stands in a slot that is in use.</summary>
    public FlightRecord Read(int slot)
    {
        lock (_gate)
            return FlightSlot.Read(_used[slot], _run) ?? throw new InvalidOperationException("A slot of the flight log is empty.");
    }

    /// <summary>Every slot in use.</summary>
    public int[] Used()
    {
        lock (_gate)
            return [.. _used.Keys];
    }

    /// <summary>Writes a mark; completes when it is on the disk. Faults with <see cref="StoreUnavailableException"/>.</summary>
    /// <returns>The slot, for the later steps.</returns>
    public (int Slot, Task<bool> Kept) Mark(Mark mark)
    {
        var promise = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_stopping || !_free.TryPop(out var slot))
                return (-1, Task.FromException<bool>(new StoreUnavailableException("The flight log takes no more marks.")));
            var octets = _spare.TryPop(out var spare) ? spare : new byte[FlightSlot.Size];
            FlightSlot.Write(octets, _run, FlightPhase.Marked, mark);
            _used.Add(slot, octets);
            if (!TryWrite(slot, octets, out var error))
                return (slot, Task.FromException<bool>(error));
            _waiting.Add(promise);
            Monitor.Pulse(_gate);
            return (slot, promise.Task);
        }
    }

    /// <summary>The last block goes out next. Throws <see cref="StoreUnavailableException"/>: then it must not.</summary>
    public void Out(int slot, long at)
    {
        lock (_gate)
        {
            FlightSlot.WritePhase(_used[slot], FlightPhase.Out, at);
            if (!TryWrite(slot, _used[slot], out var error))
                throw error;
        }
    }

    /// <summary>The server has answered. What cannot be kept is in doubt should the process end now.</summary>
    public void Answered(int slot, IReadOnlyList<RecipientVerdict> verdicts)
    {
        lock (_gate)
        {
            if (FlightSlot.TryWriteAnswer(_used[slot], verdicts))
                TryWrite(slot, _used[slot], out _);
        }
    }

    /// <summary>
    /// The attempt is settled, or never began. The slot is cleared: what stands in it may fit a ticket of the same name later, and may name
    /// a recipient who is to be forgotten.
    /// </summary>
    public void Free(int slot)
    {
        lock (_gate)
        {
            if (!_used.Remove(slot, out var octets))
                return;
            octets.AsSpan().Clear();
            TryWrite(slot, octets, out _);
            _spare.Push(octets);
            _free.Push(slot);
        }
    }

    public void Settle(Session session, QueuedMail ticket)
    {
        // A slot is used again when its ticket is given back, behind the commit.
    }

    public bool IsMarkedElsewhere(Session session, long message) => false;

    public IReadOnlyList<TicketName> MarkedElsewhere(Session session) => [];

    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }

        _thread.Join();
        _file.Dispose();
    }

    // Under the gate.
    private bool TryWrite(int slot, ReadOnlySpan<byte> octets, out StoreUnavailableException error)
    {
        try
        {
            _file.Write(slot, octets);
            error = null!;
            return true;
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            error = Unavailable(trouble);
            return false;
        }
    }

    private void Run()
    {
        while (Gather())
        {
            var error = _again;
            try
            {
                if (error is null)
                    _file.Sync();
            }
            catch (IOException trouble)
            {
                error = Unavailable(trouble);
            }

            foreach (var promise in _syncing)
            {
                if (error is null)
                    promise.TrySetResult(true);
                else
                    promise.TrySetException(error);
            }

            _syncing.Clear();
        }
    }

    /// <summary>Waits for marks; false: the log is to end.</summary>
    private bool Gather()
    {
        lock (_gate)
        {
            while (_waiting.Count == 0)
            {
                if (_stopping)
                    return false;
                Monitor.Wait(_gate);
            }

            (_waiting, _syncing) = (_syncing, _waiting);

            // After a failed sync nobody knows which pages the kernel has let go: everything is written again.
            _again = null;
            if (_failed)
            {
                _failed = false;
                foreach (var (slot, octets) in _used)
                {
                    if (!TryWrite(slot, octets, out var error))
                    {
                        _again = error; // no mark of this round is on the disk for sure
                        break;
                    }
                }
            }

            return true;
        }
    }

    private StoreUnavailableException Unavailable(Exception trouble)
    {
        lock (_gate)
            _failed = true;
        Log.Trouble(_logger, trouble.Message);
        return new($"The flight log cannot be written: {trouble.Message}", trouble);
    }

    private static partial class Log
    {
        [LoggerMessage(725, LogLevel.Error, "The flight log cannot be written, so no message is sent: {Reason}")]
        public static partial void Trouble(ILogger logger, string reason);
    }
}
