using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// Lanes that share an account, its own and those of pools, take turns at its limit: whoever had to wait goes to the end of the line, and
/// the first of the line goes first. Used by the scheduler's loop only.
/// </summary>
internal sealed class AccountTurns
{
    private readonly Dictionary<AccountKey, List<MailLane>> _lines = [];

    /// <summary>The lane whose turn it is instead of this one, and that can go; null: none.</summary>
    public MailLane? Before(AccountKey account, MailLane lane)
    {
        if (_lines.Count == 0 || !_lines.TryGetValue(account, out var line))
            return null;
        foreach (var first in line)
        {
            if (first == lane)
                return null;
            if (first.Ready.List is not null)
                return first;
        }

        return null;
    }

    /// <summary>The lane has to wait for the account.</summary>
    public void Waits(AccountKey account, MailLane lane)
    {
        if (!_lines.TryGetValue(account, out var line))
            _lines[account] = line = [];
        if (!line.Contains(lane))
            line.Add(lane);
    }

    public void Granted(AccountKey account, MailLane lane)
    {
        if (_lines.Count > 0 && _lines.TryGetValue(account, out var line) && line.Remove(lane) && line.Count == 0)
            _lines.Remove(account);
    }

    /// <summary>Forgets lanes whose account or pool is gone. Who has no mail any more keeps its place: it is passed over.</summary>
    public void ForgetDeleted()
    {
        foreach (var (account, line) in _lines)
        {
            line.RemoveAll(static lane => lane.Unknown);
            if (line.Count == 0)
                _lines.Remove(account);
        }
    }
}
