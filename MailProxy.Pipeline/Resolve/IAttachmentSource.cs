using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>One kind of source that content comes from.</summary>
internal interface IAttachmentSource
{
    /// <summary>
    /// Returns once the first byte may be read: connected, authorised, found. Throws <see cref="SourceException"/> for every error of the
    /// source or the client, and <see cref="OperationCanceledException"/> only for <paramref name="cancel"/>.
    /// </summary>
    Task<OpenedSource> OpenAsync(string tenant, AttachmentRef wanted, CancellationToken cancel);
}

/// <summary>
/// Content that is being read from a source. It is never buffered as a whole; a read throws <see cref="SourceException"/> when the source
/// breaks off, sends another length than it declared, or sends more than the cap.
/// </summary>
/// <param name="Length">In bytes, as the source declared it; null when it did not.</param>
/// <param name="Owner">Disposed with the stream: a connection, or a lease of a client.</param>
internal sealed record OpenedSource(Stream Content, long? Length, IDisposable? Owner = null) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        await Content.DisposeAsync();
        Owner?.Dispose();
    }
}
