namespace MailProxy.Daemon.Genro.Import;

/// <summary>What an import did: how much of what, and what was left out and why. Bounded, whatever the old database holds.</summary>
internal sealed class ImportTally
{
    private const int MostListed = 100,
        MostReasons = 200,
        LongestName = 200,
        LongestWhy = 300;

    private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Kind, string Why), long> _reasons = [];
    private readonly List<LeftOut> _listed = [];
    private readonly List<string> _notes = [];

    /// <summary>In the order in which they were counted first.</summary>
    public IEnumerable<(string What, long Count)> Counts => _counts.Select(static one => (one.Key, one.Value));

    /// <summary>How many were left out of each kind for each reason.</summary>
    public IEnumerable<(string Kind, string Why, long Count)> Reasons =>
        _reasons.Select(static one => (one.Key.Kind, one.Key.Why, one.Value));

    /// <summary>The first that were left out.</summary>
    public IReadOnlyList<LeftOut> Listed => _listed;

    /// <summary>Sentences for the operator.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Hosts that mail, reports and attachments go to.</summary>
    public HashSet<string> Hosts { get; } = new(StringComparer.OrdinalIgnoreCase);

    public long Of(string what) => _counts.GetValueOrDefault(what);

    public void Add(string what, long count = 1) => _counts[what] = Of(what) + count;

    public void LeaveOut(string kind, string name, string why)
    {
        (name, why) = (OldValues.Cut(name, LongestName), OldValues.Cut(why, LongestWhy));
        if (_reasons.Count >= MostReasons && !_reasons.ContainsKey((kind, why)))
            why = "other reasons";
        _reasons[(kind, why)] = _reasons.GetValueOrDefault((kind, why)) + 1;
        if (_listed.Count < MostListed)
            _listed.Add(new(kind, name, why));
    }

    public void Note(string sentence)
    {
        if (_notes.Count < MostListed && !_notes.Contains(sentence))
            _notes.Add(sentence);
    }
}

/// <summary>Something that was not imported.</summary>
internal sealed record LeftOut(string Kind, string Name, string Why);
