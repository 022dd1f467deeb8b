using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// How far the reading of one lane has come in going round its batches. Who reads the lane keeps it; the store moves it. In memory only: a
/// start begins a round.
/// </summary>
public sealed class LaneCursor
{
    private readonly FlowTurn?[] _turns = new FlowTurn?[(int)Priority.Low + 1];

    /// <summary>What is read next of a priority begins after this batch.</summary>
    public void StandAfter(Priority priority, FlowKey flow)
    {
        var turn = Turn(priority);
        turn.After = flow.Number;
        turn.IsBarren = false;
    }

    internal FlowTurn Turn(Priority priority) => _turns[(int)priority] ??= new();
}

/// <summary>One round of the batches of a lane, in the order of their numbers.</summary>
internal sealed class FlowTurn
{
    /// <summary>The batch that had its turn last; -1: none.</summary>
    public long After { get; set; } = -1;

    /// <summary>The round has looked at every batch up to that one, and none had anything.</summary>
    public bool IsBarren { get; set; } = true;

    /// <summary>There are too many batches to read some of each at once, and a round is under way.</summary>
    public bool IsLong { get; set; }

    /// <summary>The newest message as a long round began: batches that came later are not in it, so that each round ends.</summary>
    public long Newest { get; set; }

    /// <summary>When a long round began (Unix milliseconds): what came due later is not in it.</summary>
    public long At { get; set; }
}
