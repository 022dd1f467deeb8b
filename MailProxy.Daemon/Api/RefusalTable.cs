using System.Net;
using System.Net.Sockets;

namespace MailProxy.Daemon.Api;

/// <summary>What is to be told of a refusal.</summary>
/// <param name="Tell">It gets an entry of its own.</param>
/// <param name="Unlogged">Refusals before it, since the last entry, that got none.</param>
internal readonly record struct Refusal(bool Tell, long Unlogged);

/// <summary>Refusals of a minute that got no entry of their own.</summary>
/// <param name="Groups">Some of the keys and networks they came by, each equally likely to be among them, with what was counted since; the
/// most first.</param>
internal sealed record Suppressed(long Count, IReadOnlyList<(string Group, long Count)> Groups);

/// <summary>
/// Chooses which refusals of a minute are written. Pure but for chance. Each key of ours and each network has a few entries of its own,
/// so that no one
/// hides what the others do; and when there are more than fit, what is kept of them is a fair sample, which nobody can fill before the
/// others come.
/// </summary>
internal sealed class RefusalTable(Func<double> chance)
{
    /// <summary>Entries a minute for keys that are none of ours.</summary>
    public const int Most = 60;

    /// <summary>Entries a minute of one key, or of one network.</summary>
    public const int PerGroup = 4;

    private const int MostKeys = 600;
    private const int Sampled = 20;

    private readonly HashSet<(string Actor, string Reason, IPAddress? From)> _seen = [];
    private readonly Dictionary<string, int> _told = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _sample = new(StringComparer.Ordinal);
    private (int Unknown, int Ours) _written;
    private long _left;
    private long _suppressed;
    private long _strangers; // suppressed refusals that were in no group of the sample

    /// <param name="ours">The key is one of ours.</param>
    public Refusal Note(string actor, bool ours, string reason, IPAddress? from)
    {
        var group = ours ? actor : Network(from);
        if (!MayTell(ours, group) || !_seen.Add((actor, reason, from)))
        {
            Suppress(group);
            return default;
        }

        _told[group] = _told.GetValueOrDefault(group) + 1;
        if (ours)
            _written.Ours++;
        else
            _written.Unknown++;
        var left = _left;
        _left = 0;
        return new(true, left);
    }

    /// <summary>Begins a new minute; what of the last one was not written, or null.</summary>
    public Suppressed? Turn()
    {
        var over = _suppressed == 0 ? null : new Suppressed(_suppressed, [.. Sample()]);
        _seen.Clear();
        _told.Clear();
        _sample.Clear();
        _written = default;
        (_suppressed, _strangers) = (0, 0);
        return over;
    }

    /// <summary>The network that an address is of: whoever has one address of it may have them all.</summary>
    internal static string Network(IPAddress? address)
    {
        if (address is null)
            return "unknown";
        var bits = address.AddressFamily == AddressFamily.InterNetwork ? 24 : 48;
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(bits / 8).Clear();
        return $"{new IPAddress(bytes)}/{bits}";
    }

    private IEnumerable<(string, long)> Sample() =>
        _sample
            .OrderByDescending(static one => one.Value)
            .ThenBy(static one => one.Key, StringComparer.Ordinal)
            .Select(static one => (one.Key, one.Value));

    private bool MayTell(bool ours, string group) =>
        _told.GetValueOrDefault(group) < PerGroup && (ours ? _written.Ours < MostKeys : _written.Unknown < Most);

    // Reservoir sampling: the n-th stranger takes a random place with the chance that all before it had to keep theirs.
    private void Suppress(string group)
    {
        _left++;
        _suppressed++;
        if (_sample.TryGetValue(group, out var count))
        {
            _sample[group] = count + 1;
            return;
        }

        _strangers++;
        if (_sample.Count < Sampled)
        {
            _sample[group] = 1;
            return;
        }

        if (chance() * _strangers >= Sampled)
            return;
        _sample.Remove(_sample.Keys.ElementAt((int)(chance() * Sampled)));
        _sample[group] = 1;
    }
}
