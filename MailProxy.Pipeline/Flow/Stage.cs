using System.Runtime.ExceptionServices;
using System.Threading.Channels;

namespace MailProxy.Pipeline.Flow;

/// <summary>The ways in which a stage reads its channel. No base class: a stage owns its rules, these own the loop.</summary>
internal static class Stage
{
    private const int MostTogether = 64;

    /// <summary>
    /// Begins with every item at once, each for itself, so that one that waits holds up none of the others. Whoever writes to the channel
    /// bounds how many there are.
    /// Ends when it is closed and empty and all of them are done; the first exception ends it earlier.
    /// </summary>
    /// <param name="together">Is given what has gathered, and leaves in the list what is to be handled by itself.</param>
    public static async Task ForEachApart<T>(ChannelReader<T> input, Func<T, Task> handle, Func<List<T>, ValueTask>? together = null)
    {
        var gathered = new List<T>();
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var broken = new CancellationTokenSource();
        Exception? bug = null;
        var running = 1; // this loop

        void End()
        {
            if (Interlocked.Decrement(ref running) == 0)
                over.TrySetResult();
        }

        async Task Work(T item)
        {
            try
            {
                await handle(item);
            }
            catch (Exception error)
            {
                Interlocked.CompareExchange(ref bug, error, null);
                await broken.CancelAsync();
            }
            finally
            {
                End();
            }
        }

        try
        {
            while (await input.WaitToReadAsync(broken.Token))
            {
                gathered.Clear();
                while (gathered.Count < MostTogether && input.TryRead(out var item))
                    gathered.Add(item);
                if (together is not null)
                    await together(gathered);
                foreach (var item in gathered)
                {
                    Interlocked.Increment(ref running);
                    _ = Task.Run(() => Work(item), CancellationToken.None);
                }
            }
        }
        catch (OperationCanceledException) when (broken.IsCancellationRequested)
        {
            // The bug is thrown below, once the others are done.
        }
        finally
        {
            End();
        }

        await over.Task;
        if (bug is not null)
            ExceptionDispatchInfo.Throw(bug);
    }

    /// <summary>
    /// Natural batches: waits for one, then takes all there is up to a count and a weight. The batch is the handler's only until it
    /// returns.
    /// </summary>
    public static Task ForEachBatch<T>(
        ChannelReader<T> input,
        int maxCount,
        long maxWeight,
        Func<T, long> weigh,
        Func<List<T>, ValueTask> handle
    )
    {
        async Task Work()
        {
            var batch = new List<T>(Math.Min(maxCount, 256));
            while (await input.WaitToReadAsync())
            {
                batch.Clear();
                long weight = 0;
                while (batch.Count < maxCount && weight < maxWeight && input.TryRead(out var item))
                {
                    batch.Add(item);
                    weight += weigh(item);
                }

                if (batch.Count > 0)
                    await handle(batch);
            }
        }

        return Task.Run(Work);
    }

    /// <summary>Completes the next channel when a stage is done, with the stage's exception if it had one.</summary>
    public static async Task Link<T>(Task stage, ChannelWriter<T> next)
    {
        try
        {
            await stage;
            next.TryComplete();
        }
        catch (Exception error)
        {
            next.TryComplete(error);
            throw;
        }
    }

    /// <summary>Ends when all loops have, or faults with the first that does.</summary>
    public static async Task AllOrFirstFault(Task[] loops)
    {
        await foreach (var loop in Task.WhenEach(loops))
            await loop;
    }
}
