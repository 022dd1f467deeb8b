namespace MailProxy.Daemon.Cli;

/// <summary>What stands on the command line.</summary>
/// <param name="Settings">All that is none of the command's own.</param>
internal sealed record ImportArguments(string File, string? Tenant, bool DryRun, bool Merge, string[] Settings)
{
    private const string TenantFlag = "--tenant";

    /// <summary>Null: they are wrong.</summary>
    public static ImportArguments? Read(string[] args)
    {
        if (args is not [{ Length: > 0 } file, .. var rest] || file.StartsWith('-'))
            return null;
        var (tenant, dryRun, merge, settings) = ((string?)null, false, false, new List<string>());
        for (var i = 0; i < rest.Length; i++)
        {
            switch (rest[i])
            {
                case "--dry-run":
                    dryRun = true;
                    break;
                case "--merge":
                    merge = true;
                    break;
                case TenantFlag when i + 1 < rest.Length:
                    tenant = rest[++i];
                    break;
                case TenantFlag:
                    return null;
                case var one when one.StartsWith(TenantFlag + "=", StringComparison.Ordinal):
                    tenant = one[(TenantFlag.Length + 1)..];
                    break;
                default:
                    settings.Add(rest[i]);
                    break;
            }
        }

        return tenant is not null && !IdSyntax.IsObjectId(tenant) ? null : new(file, tenant, dryRun, merge, [.. settings]);
    }
}
