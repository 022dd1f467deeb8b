namespace MailProxy.Tests.Architecture;

/// <summary>
/// Which top folder of a project names which. A namespace equals its folder, and a folder below another counts as that one.
/// </summary>
internal sealed class FolderGraph
{
    /// <summary>What stands beside the folders.</summary>
    public const string Root = ".";

    private readonly Dictionary<string, HashSet<string>> _named = [];
    private readonly Dictionary<(string, string), List<TypeEdge>> _edges = [];

    public FolderGraph(IEnumerable<TypeEdge> edges, string root)
    {
        foreach (var edge in edges)
        {
            if (FolderOf(edge.FromNamespace, root) is not { } from)
                continue;
            _named.TryAdd(from, []);
            if (FolderOf(edge.ToNamespace, root) is not { } to || from == to)
                continue;
            _named[from].Add(to);
            if (!_edges.TryGetValue((from, to), out var known))
                _edges[(from, to)] = known = [];
            known.Add(edge);
        }
    }

    /// <summary>Every folder that has a type.</summary>
    public IReadOnlyCollection<string> Folders => _named.Keys;

    /// <summary>Why one folder depends on another.</summary>
    public IReadOnlyList<TypeEdge> Edges(string from, string to) => _edges.GetValueOrDefault((from, to), []);

    /// <summary>Folders that depend on themselves by way of others, each with what it names on that way.</summary>
    public IReadOnlyList<string> Cycles() =>
        [
            .. _named
                .Keys.Where(folder => Reaches(folder, folder))
                .Order(StringComparer.Ordinal)
                .Select(folder => $"{folder} -> {string.Join(", ", _named[folder].Where(other => Reaches(other, folder)).Order())}"),
        ];

    /// <summary>The folder of a namespace; null: it is none of this project's.</summary>
    public static string? FolderOf(string type, string root) =>
        type == root ? Root
        : type.StartsWith(root + ".", StringComparison.Ordinal) ? type[(root.Length + 1)..].Split('.')[0]
        : null;

    private bool Reaches(string from, string to)
    {
        var seen = new HashSet<string>();
        var next = new Stack<string>(_named.GetValueOrDefault(from, []));
        while (next.TryPop(out var folder))
        {
            if (folder == to)
                return true;
            if (!seen.Add(folder))
                continue;
            foreach (var further in _named.GetValueOrDefault(folder, []))
                next.Push(further);
        }

        return false;
    }
}
