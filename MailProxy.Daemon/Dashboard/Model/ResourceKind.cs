using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Configuration.Pools;
using MailProxy.Pipeline.Configuration.Tenants;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;

namespace MailProxy.Daemon.Dashboard.Model;

/// <summary>A kind of thing that is configured, as its views show it.</summary>
/// <param name="Path">In the API and in the page.</param>
/// <param name="Singular">In sentences.</param>
/// <param name="Columns">Members that the list shows.</param>
/// <param name="Writable">Members that a change may have.</param>
/// <param name="Draft">What a new one begins with, JSON.</param>
internal sealed record ResourceKind(
    string Path,
    string Singular,
    IReadOnlyList<string> Columns,
    IReadOnlySet<string> Writable,
    string Draft
)
{
    public static readonly IReadOnlyList<ResourceKind> All =
    [
        new(
            "accounts",
            "account",
            ["id", "host", "paused"],
            Members(AccountFields.Noun.Fields),
            """{ "host": "smtp.example.com", "port": 587, "security": "starttls", "auth": { "user": "", "password": "" } }"""
        )
        {
            Actions = [("pause", "Pause"), ("resume", "Resume"), ("circuit/reset", "Close the circuit"), ("adaptive/reset", "Full rate")],
            Answers = [("test", "Test")],
        },
        new(
            "pools",
            "pool",
            ["id", "strategy", "accounts"],
            Members(PoolFields.Noun.Fields),
            """{ "strategy": "failover", "accounts": ["relay"] }"""
        ),
        new(
            "batches",
            "batch",
            ["id", "suspended", "weight"],
            new HashSet<string>(StringComparer.Ordinal) { "suspended", "weight" },
            """{ "suspended": false, "weight": 1 }"""
        )
        {
            Actions = [("suspend", "Suspend"), ("activate", "Go on")],
        },
        new(
            "webhooks",
            "webhook",
            ["id", "url", "status", "backlog", "lag_seconds", "last_error"],
            Members(WebhookFields.Noun.Fields),
            """{ "url": "https://example.com/hooks/mail" }"""
        )
        {
            Actions = [("pause", "Pause"), ("resume", "Resume")],
            Answers = [("test", "Test"), ("rotate-secret", "New secret")],
        },
        new(
            "volumes",
            "volume",
            ["id", "backend", "shared"],
            Members(VolumeFields.Noun.Fields),
            """{ "backend": "s3", "config": { "bucket": "", "region": "" } }"""
        )
        {
            Answers = [("test", "Test")],
        },
        new("tenants", "tenant", ["id", "name", "active"], Members(TenantFields.Noun.Fields), """{ "name": "" }"""),
    ];

    /// <summary>What may be done with one: the last part of the route, and its label.</summary>
    public IReadOnlyList<(string Route, string Label)> Actions { get; init; } = [];

    /// <summary>The same where the answer is worth reading.</summary>
    public IReadOnlyList<(string Route, string Label)> Answers { get; init; } = [];

    /// <summary>Null: there is no such kind.</summary>
    public static ResourceKind? Find(string path) => All.FirstOrDefault(kind => kind.Path == path);

    private static HashSet<string> Members(IFieldList fields) =>
        [.. fields.Members.Where(static member => member.Use == FieldUse.Everywhere).Select(static member => member.Name)];
}
