using System.Threading.Channels;

namespace MailProxy.Pipeline;

/// <summary>The three ways in which a room reads its door. No base class: a room owns its rules, these own the loop.</summary>
internal static class Stage
{
    /// <summary>Runs <paramref name="workers"/> loops until the door is closed and empty. An exception ends its loop and so the pipeline.</summary>
    public static Task ForEach<T>(ChannelReader<T> door, int workers, Func<T, ValueTask> handle)
    {
        async Task Work()
        {
            while (await door.WaitToReadAsync())
            {
                while (door.TryRead(out var item)) await handle(item);
            }
        }

        return AllOrFirstFault([.. Enumerable.Range(0, workers).Select(_ => Task.Run(Work))]);
    }

    /// <summary>Natural batches: waits for one, then takes all there is up to a count and a weight. The batch is the handler's only until it returns.</summary>
    public static Task ForEachBatch<T>(ChannelReader<T> door, int maxCount, long maxWeight, Func<T, long> weigh, Func<List<T>, ValueTask> handle)
    {
        async Task Work()
        {
            var batch = new List<T>(Math.Min(maxCount, 256));
            while (await door.WaitToReadAsync())
            {
                batch.Clear();
                long weight = 0;
                while (batch.Count < maxCount && weight < maxWeight && door.TryRead(out var item))
                {
                    batch.Add(item);
                    weight += weigh(item);
                }

                if (batch.Count > 0) await handle(batch);
            }
        }

        return Task.Run(Work);
    }

    /// <summary>Closes the next door when a room is done, with the room's exception if it had one.</summary>
    public static async Task Link<T>(Task room, ChannelWriter<T> next)
    {
        try
        {
            await room;
            next.TryComplete();
        }
        catch (Exception fault)
        {
            next.TryComplete(fault);
            throw;
        }
    }

    private static async Task AllOrFirstFault(Task[] loops)
    {
        await foreach (var loop in Task.WhenEach(loops)) await loop;
    }
}
