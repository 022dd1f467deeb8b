using System.ComponentModel.DataAnnotations;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Persist;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Retain;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Send;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline;

/// <summary>The options of the engine: one class a stage, and what belongs to the whole.</summary>
public sealed class PipelineOptions
{
    public IngestOptions Ingest { get; init; } = new();
    public PersistOptions Persist { get; init; } = new();
    public ScheduleOptions Schedule { get; init; } = new();
    public ResolveOptions Resolve { get; init; } = new();
    public SendOptions Send { get; init; } = new();
    public ReportOptions Report { get; init; } = new();
    public RetainOptions Retention { get; init; } = new();
    public DrainOptions Drain { get; init; } = new();

    public TenantOptions Tenants { get; init; } = new();

    /// <summary>Limits of the whole installation, in front of every account's own. Windows are rolling.</summary>
    public AccountLimits Limits { get; init; } = new(); // not the shared None: the binder writes into what it finds here
}

/// <summary>How the pipeline stops.</summary>
public sealed class DrainOptions
{
    /// <summary>Seconds that attempts under way have to end after a stop was asked for.</summary>
    [Range(0, 600)]
    public double GraceSeconds { get; init; } = 25;

    /// <summary>Seconds more for a server's reply after the final dot; what is unanswered then is ambiguous.</summary>
    [Range(0, 600)]
    public double ReplySeconds { get; init; } = 10;
}
