using System.Collections.Concurrent;
using MailProxy.Pipeline.Flow;

namespace MailProxy.Tests.Send;

/// <summary>Marks in memory, with every step that was asked for, in order.</summary>
internal sealed class FakeMarks : IMarks
{
    private readonly ConcurrentDictionary<long, Mark> _marks = new();

    /// <summary>Answers a mark; by default it is on disk at once.</summary>
    public Func<Mark, Task<bool>> Marking { get; set; } = static _ => Task.FromResult(true);

    /// <summary>Whether a body may begin; by default it may.</summary>
    public Func<QueuedMail, bool> Beginning { get; set; } = static _ => true;

    /// <summary>Throws what noting that the last block goes out throws.</summary>
    public Action<QueuedMail> GoingOut { get; set; } = static _ => { };

    /// <summary><c>mark</c>, <c>begin</c>, <c>out</c>, <c>answered</c>, each with the message's number.</summary>
    public ConcurrentQueue<string> Steps { get; } = new();

    public IReadOnlyCollection<Mark> Marked => [.. _marks.Values];

    public Task<bool> MarkAsync(Mark mark)
    {
        Steps.Enqueue($"mark {mark.Ticket.Id}");
        _marks[mark.Ticket.Id] = mark;
        return Marking(mark);
    }

    public bool TryBegin(QueuedMail ticket)
    {
        Steps.Enqueue($"begin {ticket.Id}");
        return Beginning(ticket);
    }

    public void Out(QueuedMail ticket, long at)
    {
        GoingOut(ticket);
        Steps.Enqueue($"out {ticket.Id}");
    }

    public void Answered(QueuedMail ticket, IReadOnlyList<RecipientVerdict> verdicts) =>
        Steps.Enqueue($"answered {ticket.Id} {string.Join(',', verdicts.Select(static verdict => verdict.Verdict))}");
}
