using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>The groups of operations, each with its sentence.</summary>
internal static class ApiDocumentTags
{
    /// <summary>The requests that the daemon makes.</summary>
    public const string Reports = "Reports";

    private static readonly (string Name, string Sentence)[] All =
    [
        ("Messages", "Submitting mail, finding it, and acting on it."),
        ("Operations", "One action on all messages that a search finds: shown first, then begun, followed, stopped, undone."),
        ("Explain", "Why mail is where it is, and what happens next."),
        ("Events", "What became of mail, in commit order, to be pulled."),
        (Reports, "What became of mail, as it is sent to webhooks."),
        ("Webhooks", "Where events are reported to."),
        ("Batches", "Groups of messages that wait or go together."),
        ("Accounts", "SMTP accounts, their limits, their circuits and their DKIM keys."),
        ("Pools", "Several accounts that a message may go by."),
        ("Suppressions", "Addresses and domains that mail is kept from."),
        ("Volumes", "Where the files of attachments are."),
        ("Recipients", "What is known of a person."),
        ("Tenants", "Tenants and their keys (admin key)."),
        ("Audit", "Who changed what (admin key)."),
        ("Dispatcher", "Whether attempts begin at all."),
        ("Status", "How the daemon is (admin key)."),
        ("Sandbox", "The mailbox of the built-in catcher (admin key)."),
        ("Health", "For machines that watch; no key."),
        ("Downloads", "Files that mail links to; no key."),
        ("Unsubscribe", "Where recipients unsubscribe; no key."),
    ];

    public static void AddTo(OpenApiDocument document)
    {
        var used = document.Tags?.Select(static tag => tag.Name).ToHashSet() ?? [];
        document.Tags = All.Where(tag => tag.Name == Reports || used.Contains(tag.Name))
            .Select(static tag => new OpenApiTag { Name = tag.Name, Description = tag.Sentence })
            .Concat(used.Where(static name => All.All(tag => tag.Name != name)).Select(static name => new OpenApiTag { Name = name }))
            .ToHashSet();
    }
}
