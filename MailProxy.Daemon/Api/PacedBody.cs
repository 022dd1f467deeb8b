namespace MailProxy.Daemon.Api;

/// <summary>
/// A request's body, read at no less than a rate. What comes faster is credited, but never more than the grace: who sent nearly
/// everything at
/// once may not stay away for hours with it. Only time in which we wait for the client counts.
/// </summary>
internal sealed class PacedBody(HttpContext http, int bytesPerSecond, TimeSpan grace, TimeProvider clock)
{
    // Never disposed: it has no timer of its own, and a late callback must find it whole.
    private readonly CancellationTokenSource _over = new();
    private TimeSpan _spent; // of the grace

    /// <summary>0: the end. Throws <see cref="BadHttpRequestException"/>: 408, it came too slowly; 400, it is malformed.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> into)
    {
        try
        {
            var reading = http.Request.Body.ReadAsync(into, _over.Token);
            var read = reading.IsCompletedSuccessfully ? reading.Result : await WaitAsync(reading);
            if (bytesPerSecond > 0 && _spent > TimeSpan.Zero)
                Credit(read);
            return read;
        }
        catch (IOException error) when (error is not BadHttpRequestException && !http.RequestAborted.IsCancellationRequested)
        {
            throw new BadHttpRequestException("The body cannot be read.", StatusCodes.Status400BadRequest, error);
        }
    }

    private async ValueTask<int> WaitAsync(ValueTask<int> reading)
    {
        var started = clock.GetTimestamp();
        var wait = bytesPerSecond > 0 ? Left : Timeout.InfiniteTimeSpan;
        await using var late = clock.CreateTimer(Cancel, _over, wait, Timeout.InfiniteTimeSpan);
        await using var gone = http.RequestAborted.UnsafeRegister(Cancel, _over);
        try
        {
            return await reading;
        }
        catch (OperationCanceledException) when (_over.IsCancellationRequested)
        {
            http.RequestAborted.ThrowIfCancellationRequested();
            throw new BadHttpRequestException("The body came too slowly.", StatusCodes.Status408RequestTimeout);
        }
        finally
        {
            _spent += clock.GetElapsedTime(started);
        }
    }

    private TimeSpan Left => _spent < grace ? grace - _spent : TimeSpan.Zero;

    private void Credit(int read)
    {
        var earned = TimeSpan.FromTicks(read * TimeSpan.TicksPerSecond / bytesPerSecond);
        _spent = earned < _spent ? _spent - earned : TimeSpan.Zero;
    }

    private static void Cancel(object? over) => ((CancellationTokenSource)over!).Cancel();
}
