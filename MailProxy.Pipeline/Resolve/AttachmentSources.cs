using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Picks the source for a place.</summary>
internal sealed class AttachmentSources(IAttachmentSource http, IAttachmentSource volumes, IAttachmentSource files, IAttachmentSource endpoints) : IAttachmentSource
{
    public Task<OpenedSource> OpenAsync(string tenant, AttachmentRef wanted, CancellationToken cancel) => Of(wanted.Place).OpenAsync(tenant, wanted, cancel);

    /// <summary>What shares one bound on concurrent fetches: a host, a volume, the tenant's endpoint, or <c>files</c>.</summary>
    public static string HostOf(string tenant, AttachmentRef wanted) => wanted.Place switch
    {
        AttachmentPlace.Url url => url.Address.Authority,
        AttachmentPlace.InVolume file => $"{tenant}/{file.Volume}:",
        AttachmentPlace.Endpoint => $"{tenant}/endpoint",
        _ => "files",
    };

    private IAttachmentSource Of(AttachmentPlace place) => place switch
    {
        AttachmentPlace.Url => http,
        AttachmentPlace.InVolume => volumes,
        AttachmentPlace.AbsolutePath => files,
        AttachmentPlace.Endpoint => endpoints,
        _ => throw new ArgumentOutOfRangeException(nameof(place), place, null),
    };
}
