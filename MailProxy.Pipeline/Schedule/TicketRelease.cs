using System.Threading.Channels;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>What the scheduler's end leaves: tickets that nobody chooses from any more, and news for whoever chooses now.</summary>
internal sealed class TicketRelease(ChannelReader<QueuedMail> input, Wake wake, IMessageStore store, ILeases leases, ActiveQueue queue)
{
    /// <summary>Behind the loop: gives back each ticket as soon as it comes to rest, since another node may wait for its lane.</summary>
    /// <param name="over">Behind the last outcome.</param>
    public async Task UntilAsync(Task over)
    {
        Task more = input.WaitToReadAsync().AsTask();
        while (!over.IsCompleted)
        {
            Run();
            if (more is Task<bool> { IsCompletedSuccessfully: true } ticket)
                more = await ticket ? input.WaitToReadAsync().AsTask() : over;
            await Task.WhenAny(wake.WaitAsync(), more, over);
        }

        Run();
    }

    /// <summary>Gives back every ticket that has come to rest, and tells of what was stored meanwhile.</summary>
    public void Run()
    {
        while (input.TryRead(out var ticket))
        {
            store.Release(ticket);
            leases.WakeHolder(ticket.Lane, ticket.Due);
        }

        var news = wake.Drain();
        foreach (var (lane, due) in news.DueByLane)
            leases.WakeHolder(lane, due);
        foreach (var ticket in news.Done)
            store.Release(ticket);
        foreach (var ticket in news.Returned.Concat(news.Aside))
            store.Release(ticket);
        queue.Clear();
    }
}
