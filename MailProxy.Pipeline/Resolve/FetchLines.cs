namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// A line for each source that mails wait for, served by a task of its own until it is empty. An exception that escapes the serving of
/// one line ends them all.
/// </summary>
internal sealed class FetchLines
{
    private readonly Lock _gate = new();
    private readonly Dictionary<SourceKey, FetchLine> _lines = [];
    private readonly CancellationTokenSource _cancel = new();
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _fault = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _stopping;

    /// <summary>Whether no line is begun any more, and those that exist end.</summary>
    public bool IsStopping
    {
        get
        {
            lock (_gate)
                return _stopping;
        }
    }

    /// <summary>
    /// Adds to the line of this source. Does nothing when stopping: the mail is queued in the store, and the next start finds it there.
    /// </summary>
    /// <param name="serve">Called again and again until the line is empty; its token is cancelled when the run ends.</param>
    public void Join(in SourceKey key, in Piece piece, Func<FetchLine, CancellationToken, Task> serve)
    {
        FetchLine? line;
        lock (_gate)
        {
            if (_stopping)
                return;
            var known = _lines.TryGetValue(key, out line);
            if (!known)
                _lines[key] = line = new(key);
            line!.Add(piece);
            if (known)
                return;
        }

        _ = Task.Run(() => WorkAsync(line, serve));
    }

    /// <summary>Takes out all pieces that wait now.</summary>
    public List<Piece> Take(FetchLine line)
    {
        lock (_gate)
            return line.Take();
    }

    /// <summary>Puts pieces back, before those that joined meanwhile.</summary>
    public void PutBack(FetchLine line, List<Piece> pieces)
    {
        lock (_gate)
            line.PutBack(pieces);
    }

    /// <summary>Completes after <paramref name="stop"/>, when no line is left; faults with the exception of a line.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await using var stopping = stop.UnsafeRegister(static asked => ((TaskCompletionSource)asked!).TrySetResult(), _asked);
        await Task.WhenAny(_asked.Task, _fault.Task);
        bool idle;
        lock (_gate)
        {
            _stopping = true;
            idle = _lines.Count == 0;
        }

        await _cancel.CancelAsync();
        if (!idle)
            await _idle.Task;
        if (_fault.Task.IsFaulted)
            await _fault.Task;
    }

    private async Task WorkAsync(FetchLine line, Func<FetchLine, CancellationToken, Task> serve)
    {
        try
        {
            while (Goes(line))
                await serve(line, _cancel.Token);
        }
        catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
        {
            Leave(line);
        }
        catch (Exception error)
        {
            _fault.TrySetException(error);
            Leave(line);
        }
    }

    private bool Goes(FetchLine line)
    {
        lock (_gate)
        {
            if (!line.IsEmpty)
                return true;

            // Under the same lock: a piece that joins now begins a new line.
            Remove(line);
        }

        return false;
    }

    private void Leave(FetchLine line)
    {
        lock (_gate)
            Remove(line);
    }

    private void Remove(FetchLine line)
    {
        _lines.Remove(line.Key);
        if (_stopping && _lines.Count == 0)
            _idle.TrySetResult();
    }
}
