namespace MailProxy.Daemon.Genro.Import;

/// <summary>What is to be imported, and how.</summary>
/// <param name="Tenant">Of a version without tenants: whose everything is; else the only tenant that is imported. Null: all.</param>
/// <param name="Merge">What is in the store already stays, instead of refusing the import.</param>
/// <param name="DryRun">Everything is done and nothing is kept.</param>
/// <param name="Environment">Variables of the old service: its key, and where a version without tenants reported to.</param>
internal sealed record ImportRequest(string? Tenant, bool Merge, bool DryRun, Func<string, string?> Environment);

/// <summary>How far an import is.</summary>
/// <param name="Of">How many there are; 0: nobody knows.</param>
internal readonly record struct ImportProgress(string What, long Done, long Of);
