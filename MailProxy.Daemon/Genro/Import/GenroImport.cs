using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Tenants;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Makes the rules that drafts are judged by, for what is configured then.</summary>
/// <param name="hasEndpoint">Does the tenant have an attachment endpoint?</param>
internal delegate JudgeDraft MakeJudge(CurrentAccounts accounts, CurrentVolumes volumes, Func<string, bool> hasEndpoint);

/// <summary>Takes over a database of genro-mail-proxy, as if all of it had come by its routes: in one transaction, or not at all.</summary>
/// <param name="usualTenant">Whose everything is in a version without tenants.</param>
internal sealed class GenroImport(
    SqlImport store,
    ImportRequest request,
    string usualTenant,
    IngestOptions limits,
    IsProtectedRoot isProtected,
    MakeJudge rules,
    SpooledBodies spool,
    Action<ImportProgress> progress
)
{
    /// <summary>Who the audit log says it was.</summary>
    public const string Actor = "import-genro";

    /// <summary>Throws <see cref="ImportRefusedException"/> and what the stores throw; then nothing was written.</summary>
    public async Task<ImportTally> RunAsync(ForeignDatabase old)
    {
        var schema = OldSchema.Of(old);
        try
        {
            return await store.RunAsync(transaction => Run(transaction, old, schema), Actor, keep: !request.DryRun);
        }
        catch
        {
            spool.Drop();
            throw;
        }
    }

    private ImportTally Run(ImportTransaction transaction, ForeignDatabase old, OldSchema schema)
    {
        var scope = new ImportScope(transaction, old, schema, request, usualTenant, isProtected);
        scope.Tally.Note($"It was written by version {schema.Version}.");
        progress(new("tenants and accounts", 0, 0));
        new TenantImport(scope).Run();
        new AccountImport(scope).Run();
        new VolumeImport(scope).Run();
        scope.RefuseWhatIsThere();
        new MessageImport(scope, new OldMail(scope, Judge(transaction), limits), spool, limits, progress).Run();
        new ReportImport(scope, progress).Run();
        progress(new("limits and settings", 0, 0));
        new SendLogImport(scope).Run();
        new InstanceImport(scope).Run();
        transaction.Audit("store.import", "import", Told(scope.Tally).ToJsonString());
        progress(new("writing to the disk", 0, 0));
        return scope.Tally;
    }

    private JudgeDraft Judge(ImportTransaction transaction)
    {
        var tenants = transaction.All(TenantFields.Noun).Select(static one => one.Value).OfType<Tenant>().ToArray();
        var directory = new TenantDirectory(tenants);
        var accounts = new CurrentAccounts();
        accounts.Swap(
            new(
                transaction.All(Pipeline.Configuration.Accounts.AccountFields.Noun).Select(static one => one.Value).OfType<SmtpAccount>(),
                null,
                directory
            )
        );
        var volumes = new CurrentVolumes();
        volumes.Swap(VolumeDirectory.Of(new Snapshot<Volume>(transaction.All(VolumeFields.Noun))));
        return rules(accounts, volumes, tenant => directory.Find(tenant)?.AttachmentEndpoint is not null);
    }

    private static JsonObject Told(ImportTally tally)
    {
        var told = new JsonObject();
        foreach (var (what, count) in tally.Counts)
            told[what] = count;
        return told;
    }
}
