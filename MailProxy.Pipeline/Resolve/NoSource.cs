using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Nothing can be fetched.</summary>
internal sealed class NoSource : IAttachmentSource
{
    public Task<OpenedSource> OpenAsync(string tenant, AttachmentRef wanted, CancellationToken cancel) =>
        throw new SourceException(SourceFault.Refused, $"{wanted.Place}: this installation fetches nothing.");
}
