using System.ComponentModel.DataAnnotations;
using MailProxy.Daemon.Api;
using MailProxy.Daemon.Dashboard;
using MailProxy.Daemon.Genro;
using MailProxy.Daemon.Sandbox;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Profiles;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// All settings of the daemon: those of the host here, those of the engine in <see cref="Engine"/>. In files and variables both are at the
/// top level.
/// </summary>
public sealed class DaemonSettings
{
    /// <summary>
    /// Data directory: database, lock, keys, spool. Relative to where the program was started. Made with mode 0700 when absent.
    /// </summary>
    [Required]
    public string Data { get; init; } = "./data";

    /// <summary>
    /// Where HTTP listens, plain HTTP only: <c>http://address:port</c>, several with semicolons between. The address is an IP address,
    /// <c>localhost</c> or <c>*</c>; port 0 is any free one. <c>http://unix:/run/mailproxy.sock</c> is a socket; one that a killed process
    /// left is removed.
    /// </summary>
    [Required, ListenAddresses]
    public string Urls { get; init; } = "http://127.0.0.1:8000";

    /// <summary>
    /// Another Unix socket that HTTP listens on (mode 0600), by which the command line finds the daemon; relative to the data directory.
    /// <c>none</c>: none. When it cannot be made the log says why, and the daemon runs without it.
    /// </summary>
    [Required]
    public string Socket { get; init; } = "mailproxy.sock";

    /// <summary>
    /// The admin key; visible ASCII, blanks at its ends do not count. None: made at the first start, in <c>admin.key</c> (0600) in the data
    /// directory.
    /// </summary>
    [KeyLength(MailProxy.Daemon.Api.AdminKey.LeastLength)]
    public string? AdminKey { get; init; }

    /// <summary>
    /// Encrypts the secrets in the store: 32 bytes as base64 or 64 hexadecimal digits; several with commas, the newest first. None: the
    /// systemd credential <c>mailproxy-master-key</c>, else <c>master.key</c> (0600) in the data directory.
    /// </summary>
    public string? MasterKey { get; init; }

    public StorageSettings Storage { get; init; } = new();

    public LogSettings Log { get; init; } = new();

    public NetworkOptions Network { get; init; } = new();

    public VerdictSettings Verdicts { get; init; } = new();

    public SandboxOptions Sandbox { get; init; } = new();

    public ApiOptions Api { get; init; } = new();

    public DashboardOptions Dashboard { get; init; } = new();

    public GenroOptions Genro { get; init; } = new();

    public TelemetrySettings Telemetry { get; init; } = new();

    internal PipelineOptions Engine { get; set; } = new();

    /// <summary>The shipped profiles with those of <see cref="VerdictSettings.Directory"/> over them.</summary>
    internal ProfileSet Profiles { get; set; } = ProfileSet.Shipped;

    /// <summary>What files, variables and arguments say, by path.</summary>
    internal IReadOnlyDictionary<string, string?> Given { get; set; } = new Dictionary<string, string?>();
}

/// <summary>What the replies of SMTP servers mean: see the reference of profiles.</summary>
public sealed class VerdictSettings
{
    /// <summary>
    /// Directory of profiles (<c>*.json</c>) that extend or replace the shipped ones; read at the start and at a reload. Relative to where
    /// the program was started. None: the shipped ones alone.
    /// </summary>
    public string? Directory { get; init; }
}

/// <summary>Logging, by Serilog.</summary>
public sealed class LogSettings
{
    /// <summary><c>console</c> for people, <c>json</c> for machines: compact JSON, one event a line.</summary>
    [AllowedValues("console", "json")]
    public string Format { get; init; } = "console";

    /// <summary>The least level written. Addresses appear at Debug only; bodies and secrets never.</summary>
    [AllowedValues("Verbose", "Debug", "Information", "Warning", "Error", "Fatal")]
    public string Level { get; init; } = "Information";
}
