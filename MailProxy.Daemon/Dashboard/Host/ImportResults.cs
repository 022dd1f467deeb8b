using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>What files that were taken in came to, for the view that follows: the last of all, in memory, each under a name that nobody
/// can guess.</summary>
internal sealed class ImportResults
{
    private const int Most = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (string Share, Reply<JsonObject> Result)> _results = [];
    private readonly Queue<string> _names = new();

    public string Add(ClaimsPrincipal user, Reply<JsonObject> result)
    {
        var name = RandomNumberGenerator.GetHexString(32, lowercase: true);
        lock (_gate)
        {
            if (_names.Count == Most)
                _results.Remove(_names.Dequeue());
            _names.Enqueue(name);
            _results[name] = (Session.ShareOf(user), result);
        }

        return name;
    }

    /// <summary>Null: there is none of this name, any more or for this user.</summary>
    public Reply<JsonObject>? Find(ClaimsPrincipal user, string name)
    {
        lock (_gate)
            return _results.TryGetValue(name, out var kept) && kept.Share == Session.ShareOf(user) ? kept.Result : null;
    }
}
