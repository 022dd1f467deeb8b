using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>An account's permit with those of the destinations, spent or given back together.</summary>
internal sealed class DestinationPermit(SendPermit inner, IReadOnlyList<DestinationLease> leases) : SendPermit
{
    public override bool IsAcquired => inner.IsAcquired;
    public override PermitCounts Counts => inner.Counts;
    public override int MaxRecipients => inner.MaxRecipients;
    public override string? Refusal => inner.Refusal;
    public override string RefusalStatus => inner.RefusalStatus;
    public override IEnumerable<string> MetadataNames => inner.MetadataNames;

    public override void Spend()
    {
        inner.Spend();
        foreach (var lease in leases)
            lease.Spend();
    }

    public override bool TryGetMetadata(string metadataName, out object? metadata) => inner.TryGetMetadata(metadataName, out metadata);

    /// <summary>Gives back what the destinations hold, and leaves the account's permit to its holder.</summary>
    public void Forgo()
    {
        foreach (var lease in leases)
            lease.Dispose();
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        Forgo();
        inner.Dispose();
    }
}
