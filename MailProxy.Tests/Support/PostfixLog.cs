using System.Text.RegularExpressions;

namespace MailProxy.Tests.Support;

/// <summary>What a Postfix says of itself, counted as the lines come, so that a test waits for a fact and not for time.</summary>
internal sealed partial class PostfixLog
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];
    private readonly List<(Func<bool> Met, TaskCompletionSource Reached)> _waiting = [];
    private bool _ended;

    public bool Started { get; private set; }

    /// <summary>Mails that left the queue, delivered or bounced.</summary>
    public int Removed { get; private set; }

    /// <summary>Recipients by status, one count an attempt.</summary>
    public int Sent { get; private set; }
    public int Deferred { get; private set; }
    public int Bounced { get; private set; }

    /// <param name="line">One line of the log; null: the process ended.</param>
    public void Add(string? line)
    {
        lock (_lock)
        {
            _ended |= line is null;
            if (line is not null)
                Count(line);
            for (var i = _waiting.Count - 1; i >= 0; i--)
            {
                var (met, reached) = _waiting[i];
                if (met())
                    reached.TrySetResult();
                else if (_ended)
                    reached.TrySetException(new InvalidOperationException($"Postfix ended:\n{this}"));
                else
                    continue;
                _waiting.RemoveAt(i);
            }
        }
    }

    /// <summary>Completes when the condition over these counts holds; faults with the log's end when Postfix stops before.</summary>
    public async Task WhenAsync(Func<PostfixLog, bool> condition, TimeSpan deadline)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (condition(this))
                return;
            if (_ended)
                throw new InvalidOperationException($"Postfix ended:\n{this}");
            _waiting.Add((() => condition(this), reached));
        }

        try
        {
            await reached.Task.WaitAsync(deadline);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(
                $"Postfix did not come so far in {deadline}: removed {Removed}, sent {Sent}, deferred {Deferred}, bounced {Bounced}\n{this}"
            );
        }
    }

    /// <summary>The last lines.</summary>
    public override string ToString()
    {
        lock (_lock)
            return string.Join('\n', _lines.TakeLast(40));
    }

    private void Count(string line)
    {
        _lines.Add(line);
        if (StartedLine().IsMatch(line))
            Started = true;
        else if (RemovedLine().IsMatch(line))
            Removed++;
        else if (StatusLine().Match(line) is { Success: true } status)
        {
            if (status.Groups[1].Value == "sent")
                Sent++;
            else if (status.Groups[1].Value == "deferred")
                Deferred++;
            else
                Bounced++;
        }
    }

    [GeneratedRegex(@"postfix/master\[\d+\]: daemon started")]
    private static partial Regex StartedLine();

    [GeneratedRegex(@"postfix/qmgr\[\d+\]: \w+: removed$")]
    private static partial Regex RemovedLine();

    [GeneratedRegex(@"postfix/\w+\[\d+\]: \w+: to=<.*>, .* status=(sent|deferred|bounced|expired) ")]
    private static partial Regex StatusLine();
}
