using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Selects the source for an attachment by the kind of its address.</summary>
internal sealed class AttachmentSources : IAttachmentSource, IDisposable
{
    private readonly CurrentVolumes _volumes;
    private readonly Func<string, (Uri Address, SourceAuth? Auth)?> _endpointOf;
    private readonly HttpMessageInvoker _http;
    private readonly HttpSource _addresses;
    private readonly VolumeSource _inVolumes;
    private readonly AbsolutePathSource _files;
    private readonly EndpointSource _endpoints;

    /// <param name="endpoints">The attachment endpoint in force for a tenant; null when it has none.</param>
    /// <param name="secret">Files that no mail may carry; null when there are none.</param>
    public AttachmentSources(
        CurrentVolumes volumes,
        Func<string, (Uri Address, SourceAuth? Auth)?> endpoints,
        Dialer dialer,
        ResolveOptions options,
        TimeProvider clock,
        ProtectedFiles? secret = null
    )
    {
        (_volumes, _endpointOf) = (volumes, endpoints);
        _http = dialer.HttpClient();
        S3 = new(dialer);
        var fetch = new HttpFetch(_http, options, clock);
        var local = new LocalSource(options, clock, secret);
        _addresses = new(fetch);
        _inVolumes = new(volumes, new(local, new(S3, options, clock), fetch), clock);
        _files = new(local, options);
        _endpoints = new(fetch, endpoints);
        _volumes.Changed += Forget;
    }

    /// <summary>The S3 clients, shared with the code that writes to volumes.</summary>
    public S3Clients S3 { get; }

    /// <summary>The key of a limit on concurrent fetches: the host, whichever kind of address names it, the volume, or
    /// <c>files</c>.</summary>
    public string HostOf(string tenant, AttachmentRef wanted) =>
        wanted.Place switch
        {
            AttachmentPlace.Url url => url.Address.Authority,
            AttachmentPlace.Endpoint => _endpointOf(tenant)?.Address.Authority ?? "nowhere",
            AttachmentPlace.InVolume file => _volumes.Directory.Find(tenant, file.Volume) switch
            {
                { Config: VolumeConfig.Http web } => web.BaseUrl.Authority,
                { Config: VolumeConfig.S3 { Endpoint: { } endpoint } } => endpoint.Authority,
                { } volume => $"{volume.Tenant}/{volume.Id}:",
                null => "nowhere",
            },
            _ => "files",
        };

    public Task<OpenedSource> OpenAsync(string tenant, AttachmentRef wanted, CancellationToken cancel) =>
        Of(wanted.Place).OpenAsync(tenant, wanted, cancel);

    public void Dispose()
    {
        _volumes.Changed -= Forget;
        _http.Dispose();
        S3.Dispose();
    }

    private IAttachmentSource Of(AttachmentPlace place) =>
        place switch
        {
            AttachmentPlace.Url => _addresses,
            AttachmentPlace.InVolume => _inVolumes,
            AttachmentPlace.AbsolutePath => _files,
            AttachmentPlace.Endpoint => _endpoints,
            _ => throw new ArgumentOutOfRangeException(nameof(place), place, null),
        };

    private void Forget() => S3.Keep(_volumes.Directory);
}
