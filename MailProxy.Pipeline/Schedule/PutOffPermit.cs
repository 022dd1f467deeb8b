using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// No permit: some accounts of the pool have no room for the mail's domains, and the others cannot send now. It is put off on the disk, so
/// that it holds up none that may go by the first.
/// </summary>
/// <param name="until">When it is its turn at an account that cannot send now (Unix milliseconds); null: at one that has no room.</param>
internal sealed class PutOffPermit(long? until) : SendPermit
{
    public long? Until => until;
    public override bool IsAcquired => false;
    public override IEnumerable<string> MetadataNames => [];

    public override void Spend() => throw new InvalidOperationException("A mail that is put off must not be sent.");

    public override bool TryGetMetadata(string metadataName, out object? metadata)
    {
        metadata = null;
        return false;
    }
}
