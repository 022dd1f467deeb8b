namespace MailProxy.Pipeline.Profiles;

/// <summary>Lays the operator's profiles over the shipped ones. Pure.</summary>
internal sealed class ProfileLayers(IReadOnlyList<ProfileDraft> shipped, IReadOnlyList<ProfileDraft> own, List<string> mistakes)
{
    private readonly Dictionary<string, ProfileDraft> _shipped = shipped.ToDictionary(static draft => draft.Name);
    private readonly Dictionary<string, ProfileDraft> _own = own.ToDictionary(static draft => draft.Name);
    private readonly Dictionary<ProfileDraft, ProfileDraft> _done = [];
    private readonly HashSet<ProfileDraft> _open = [];

    /// <summary>All profiles that hold, by name.</summary>
    public IReadOnlyList<ProviderProfile> Resolve()
    {
        ProfileDraft[] drafts =
        [
            .. _own
                .Values.Concat(_shipped.Values.Where(draft => !_own.ContainsKey(draft.Name)))
                .OrderBy(static draft => draft.Name, StringComparer.Ordinal)
                .Select(Whole),
        ];
        CheckHosts(drafts);
        var common = drafts.SingleOrDefault(static draft => draft.Name == ProfileSet.Any)?.Rules ?? [];
        return
        [
            .. drafts.Select(draft => new ProviderProfile(draft.Name, draft.Hosts, draft.Rules, draft.Name == ProfileSet.Any ? [] : common)
            {
                IsDestination = draft.IsDestination,
                Advice = draft.Advice ?? new(),
            }),
        ];
    }

    /// <summary>The draft with what it extends: its own rules first, then those of the other profile that it does not replace.</summary>
    private ProfileDraft Whole(ProfileDraft draft)
    {
        if (_done.TryGetValue(draft, out var done))
            return done;
        if (draft.Extends is not { } name)
            return _done[draft] = draft;
        if (Base(draft, name) is not { } found)
        {
            var known = string.Join(", ", _shipped.Keys.Concat(_own.Keys).Where(known => known != draft.Name).Distinct().Order());
            mistakes.Add($"{draft.File} /extends: no profile has the name \"{name}\". Use one of {known}; or leave it out.");
            return _done[draft] = draft;
        }

        if (!_open.Add(draft))
        {
            mistakes.Add($"{draft.File} /extends: the profiles extend each other in a circle. Leave one of them out.");
            return _done[draft] = draft;
        }

        var below = Whole(found);
        _open.Remove(draft);
        foreach (var absent in draft.Without.Where(rule => below.Rules.All(other => other.Name != rule)))
        {
            mistakes.Add(
                $"{draft.File} /without: the profile {name} has no rule \"{absent}\". It has "
                    + $"{string.Join(", ", below.Rules.Select(static rule => rule.Name))}."
            );
        }

        var kept = below.Rules.Where(rule => !draft.Without.Contains(rule.Name) && draft.Rules.All(mine => mine.Name != rule.Name));
        return _done[draft] = draft with
        {
            Hosts = draft.Hosts.Count > 0 || name != draft.Name ? draft.Hosts : below.Hosts,
            IsDestination = draft.IsDestination || below.IsDestination,
            Advice = draft.Advice ?? below.Advice,
            Rules = [.. draft.Rules, .. kept],
        };
    }

    // A profile of the name of a shipped one may extend that one; any other name means the profile that holds.
    private ProfileDraft? Base(ProfileDraft draft, string name) =>
        name == draft.Name && _own.ContainsKey(name) ? _shipped.GetValueOrDefault(name)
        : _own.TryGetValue(name, out var mine) ? mine
        : _shipped.GetValueOrDefault(name);

    private void CheckHosts(ProfileDraft[] drafts)
    {
        foreach (
            var draft in drafts.Where(static draft => draft.Extends is not null && draft.Hosts.Count == 0 && draft.Name != ProfileSet.Any)
        )
            mistakes.Add($"{draft.File} /hosts: is missing: a profile of a new name needs the host names that it is for.");
        var twice = drafts
            .SelectMany(static draft => draft.Hosts.Select(host => (draft.File, host.Text)))
            .GroupBy(static one => one.Text)
            .Where(static same => same.Count() > 1);
        foreach (var same in twice)
        {
            mistakes.Add(
                $"{same.Last().File} /hosts: \"{same.Key}\" stands in {string.Join(" and in ", same.Select(static one => one.File))}: "
                    + "a host has one profile. Take it out of one of them, or extend that profile under its own name."
            );
        }
    }
}
