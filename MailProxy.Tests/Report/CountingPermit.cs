using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

/// <summary>A permit that notes how often it was spent.</summary>
internal sealed class CountingPermit : SendPermit
{
    public static readonly PermitCounts Held = new(new(LimitKey.Of(Account), 3), default, new(LimitKey.Installation, 2));
    public int Spent { get; private set; }
    public Action? OnSpend { get; set; }
    public override PermitCounts Counts => Held;
    public override bool IsAcquired => true;
    public override IEnumerable<string> MetadataNames => [];

    public override void Spend()
    {
        Spent++;
        OnSpend?.Invoke();
    }

    public override bool TryGetMetadata(string metadataName, out object? metadata)
    {
        metadata = null;
        return false;
    }
}
