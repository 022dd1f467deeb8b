namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Keeps one line per source that mails wait for. A task of its own serves a line until it is empty; an exception that escapes from one of
/// them ends all lines.
/// </summary>
internal sealed class FetchLines
{
    private readonly Lock _gate = new();
    private readonly Dictionary<SourceKey, FetchLine> _lines = [];
    private readonly CancellationTokenSource _cancel = new();
    private readonly TaskCompletionSource _stopRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _fault = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _stopping;

    /// <summary>Whether no new line is begun, and the existing ones are ending.</summary>
    public bool IsStopping
    {
        get
        {
            lock (_gate)
                return _stopping;
        }
    }

    /// <summary>Adds a piece to its source's line. Does nothing when stopping: the next start finds the mail in the store.</summary>
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

    /// <summary>Removes and returns all pieces that wait now.</summary>
    public List<Piece> Take(FetchLine line)
    {
        lock (_gate)
            return line.Take();
    }

    /// <summary>Puts pieces back, before those that joined in the meantime.</summary>
    public void PutBack(FetchLine line, List<Piece> pieces)
    {
        lock (_gate)
            line.PutBack(pieces);
    }

    /// <summary>Completes after <paramref name="stop"/>, when no line is left; faults with the exception of a line.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await using var stopping = stop.UnsafeRegister(static asked => ((TaskCompletionSource)asked!).TrySetResult(), _stopRequested);
        await Task.WhenAny(_stopRequested.Task, _fault.Task);
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
            while (HasWaiting(line))
                await serve(line, _cancel.Token);
        }
        catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
        {
            RemoveAfterError(line);
        }
        catch (Exception error)
        {
            _fault.TrySetException(error);
            RemoveAfterError(line);
        }
    }

    private bool HasWaiting(FetchLine line)
    {
        lock (_gate)
        {
            if (!line.IsEmpty)
                return true;

            // Removed under the same lock, so that a piece that joins now begins a new line.
            Remove(line);
        }

        return false;
    }

    private void RemoveAfterError(FetchLine line)
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
