using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>What the parts of one import share: both stores, and what has been taken over so far.</summary>
internal sealed class ImportScope(
    ImportTransaction store,
    ForeignDatabase old,
    OldSchema schema,
    ImportRequest request,
    string usualTenant,
    IsProtectedRoot isProtected
)
{
    private const int MostNamed = 10;

    private readonly List<string> _there = [];

    public ImportTransaction Store => store;

    public ForeignDatabase Old => old;

    public OldSchema Schema => schema;

    public ImportRequest Request => request;

    public IsProtectedRoot IsProtected => isProtected;

    public OldSecrets Secrets { get; } = new(request.Environment(OldSecrets.Variable));

    public ImportTally Tally { get; } = new();

    /// <summary>Whose everything is in a version without tenants.</summary>
    public string UsualTenant => usualTenant;

    /// <summary>The tenants whose things are taken over, and whether the import has made them.</summary>
    public Dictionary<string, bool> Tenants { get; } = new(StringComparer.Ordinal);

    /// <summary>Tenants of the store that have reports under way: what is added for them must not count as told.</summary>
    public HashSet<string> Reporting { get; } = new(StringComparer.Ordinal);

    /// <summary>The accounts that mail may go by.</summary>
    public Dictionary<(string Tenant, string Id), SmtpAccount> Accounts { get; } = [];

    /// <summary>Those of them that the import has made.</summary>
    public Dictionary<(string Tenant, string Id), SmtpAccount> MadeAccounts { get; } = [];

    /// <summary>The volumes of the old database, by tenant.</summary>
    public HashSet<(string Tenant, string Id)> Volumes { get; } = [];

    /// <summary>The tenants of an account's id; several, where each tenant has names of its own.</summary>
    public Dictionary<string, List<string>> TenantsOf { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether a tenant is to be imported at all.</summary>
    public bool Wants(string tenant) => !schema.HasTenants || request.Tenant is null || request.Tenant == tenant;

    /// <summary>The store has it already. It stays, or the import is refused.</summary>
    public void IsThere(string kind, string name)
    {
        if (request.Merge)
            Tally.LeaveOut(kind, name, "the store has it already");
        else
            _there.Add($"{kind} {name}");
    }

    /// <summary>Throws <see cref="ImportRefusedException"/> when the store has anything of it.</summary>
    public void RefuseWhatIsThere()
    {
        if (_there.Count == 0)
            return;
        var named = string.Join(", ", _there.Take(MostNamed));
        var more = _there.Count > MostNamed ? $" and {_there.Count - MostNamed} more" : "";
        throw new ImportRefusedException(
            $"The store has some of it already: {named}{more}. Import into an empty store, or with --merge, which leaves what is there."
        );
    }
}
