using MailProxy.Daemon.Genro.Import;
using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using Spectre.Console;

namespace MailProxy.Daemon.Cli;

/// <summary>The command <c>import-genro</c>: takes a database of genro-mail-proxy over into the store of a stopped daemon.</summary>
internal static class ImportGenroCommand
{
    private const string Usual =
        "import-genro takes a database file, and then settings: mailproxy import-genro mail_service.db [--dry-run] [--tenant NAME] "
        + "[--merge] --data=/var/lib/mailproxy";

    /// <summary>Returns 0 when done, 1 when something refused it, 2 for wrong settings or arguments.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        if (ImportArguments.Read(args) is not { } arguments)
        {
            Console.Error.WriteLine("mailproxy: " + Usual);
            return 2;
        }

        var (settings, mistakes) = SettingsReader.Read(
            arguments.Settings,
            AppContext.BaseDirectory,
            SettingsReader.InstalledFile,
            Environment.GetEnvironmentVariables()
        );
        if (settings is null)
            return Serve.RefuseSettings(mistakes);
        try
        {
            var request = new ImportRequest(
                arguments.Tenant,
                arguments.Merge,
                arguments.DryRun,
                static name => Environment.GetEnvironmentVariable(name)
            );
            var tally = await StepProgress.RunAsync(
                AnsiConsole.Console,
                show => RunAsync(arguments.File, request, settings, step => show(new(step.What, step.Done, step.Of)))
            );
            await new ImportReport(Console.Out).WriteAsync(tally, arguments.DryRun, settings);
            return 0;
        }
        catch (Exception error)
        {
            var why = error is ImportRefusedException ? OneLine.Of(error) : StartFailure.Describe(error, settings.Urls);
            Console.Error.WriteLine($"mailproxy: nothing was imported: {why}");
            return 1;
        }
    }

    /// <summary>Opens both, and imports.</summary>
    internal static async Task<ImportTally> RunAsync(
        string file,
        ImportRequest request,
        DaemonSettings settings,
        Action<ImportProgress> progress,
        TimeProvider? clock = null
    )
    {
        using var old = ForeignDatabase.Open(file);
        _ = OldSchema.Of(old); // refused before a store is made

        // A trial must not make a store.
        var trial =
            request.DryRun && !settings.Storage.IsPostgres && !File.Exists(Path.Combine(Path.GetFullPath(settings.Data), "mailproxy.db"))
                ? Directory.CreateTempSubdirectory("mailproxy-import-").FullName
                : null;
        try
        {
            using var stores = await Stores.OpenAsync(
                settings,
                new PipelineHealth(),
                new PipelineMetrics(Metrics.NewCustomRegistry()),
                clock ?? TimeProvider.System,
                NullLoggerFactory.Instance,
                trial
            );
            var engine = settings.Engine;
            JudgeDraft Rules(Pipeline.Accounts.CurrentAccounts accounts, CurrentVolumes volumes, Func<string, bool> hasEndpoint)
            {
                var known = new KnownSources(volumes, hasEndpoint, engine.Resolve.AllowedRoots, engine.Resolve.MaxAttachmentBytes);
                var rules = new SubmissionRules(accounts, known, engine.Ingest, engine.Send.MailKeyHeader);
                return (tenant, draft, now) => rules.Judge(tenant, draft, now, Guid.CreateVersion7);
            }

            var import = new GenroImport(
                stores.Import,
                request,
                request.Tenant ?? settings.Genro.DefaultTenant ?? Pipeline.Accounts.Tenant.DefaultId,
                engine.Ingest,
                new ProtectedFiles(settings.Data).AreAllOf,
                Rules,
                new(request.DryRun ? null : stores.Spool.WriteAsync, stores.Spool.Delete, engine.Ingest.SpoolThreshold),
                progress
            );
            return await import.RunAsync(old);
        }
        finally
        {
            if (trial is not null)
                Directory.Delete(trial, recursive: true);
        }
    }
}
