using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Fetches content from an address that the message names.</summary>
internal sealed class HttpSource(HttpFetch http) : IAttachmentSource
{
    public Task<OpenedSource> OpenAsync(string tenant, AttachmentRef wanted, CancellationToken cancel) =>
        http.OpenAsync(new(((AttachmentPlace.Url)wanted.Place).Address, wanted.Auth, wanted.Place, Trace: wanted.Trace), cancel);
}
