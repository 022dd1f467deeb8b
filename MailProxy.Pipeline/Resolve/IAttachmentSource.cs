using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>One kind of place that content comes from.</summary>
internal interface IAttachmentSource
{
    /// <summary>
    /// Returns once the first byte may be read: connected, authorised, found. Throws <see cref="SourceException"/> for everything that is
    /// the source's or the client's fault, and <see cref="OperationCanceledException"/> only for <paramref name="cancel"/>.
    /// </summary>
    Task<OpenedSource> OpenAsync(string tenant, AttachmentRef wanted, CancellationToken cancel);
}

/// <summary>
/// Content on its way. Reading never buffers it whole; a read throws <see cref="SourceException"/> when the source breaks off, lies about
/// the length, or gives more than the cap.
/// </summary>
/// <param name="Length">In bytes, as the source declared it; null: it did not.</param>
/// <param name="Owner">Ends with the stream: a connection, a client's lease.</param>
internal sealed record OpenedSource(Stream Content, long? Length, IDisposable? Owner = null) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        await Content.DisposeAsync();
        Owner?.Dispose();
    }
}
