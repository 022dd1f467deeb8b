using System.Collections.Concurrent;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// One S3 client for each volume, made anew when the volume changes. All connect through the dialer; only the look-up of the machine's own
/// credentials is the SDK's business.
/// </summary>
internal sealed class S3Clients : IDisposable
{
    private readonly ConcurrentDictionary<(string Tenant, string Id), (Volume Volume, IAmazonS3 Client)> _clients = new();
    private readonly HttpMessageHandler _handler;

    public S3Clients(Dialer dialer) => _handler = new S3Answers(dialer.Handler());

    /// <summary>Throws <see cref="SourceException"/> when the volume has no keys and may not use the machine's own.</summary>
    public IAmazonS3 Of(Volume volume, VolumeConfig.S3 config)
    {
        var key = (volume.Tenant, volume.Id);
        if (_clients.TryGetValue(key, out var kept) && kept.Volume == volume)
            return kept.Client;

        // The one it replaces may be in use; it owns nothing but its settings, so nobody has to end it.
        var client = Client(volume, config);
        _clients[key] = (volume, client);
        return client;
    }

    /// <summary>Lets go of the clients, and the secrets in them, of volumes that are gone.</summary>
    public void Keep(VolumeDirectory directory)
    {
        foreach (var (tenant, id) in _clients.Keys)
        {
            if (directory.FindOwn(tenant, id) is null)
                _clients.TryRemove((tenant, id), out _);
        }
    }

    /// <summary>Lets go of the client of a volume that may never be asked again.</summary>
    public void Forget(Volume volume) => _clients.TryRemove((volume.Tenant, volume.Id), out _);

    public void Dispose() => _handler.Dispose();

    private S3Client Client(Volume volume, VolumeConfig.S3 config)
    {
        var settings = new AmazonS3Config
        {
            HttpClientFactory = new OwnConnections(_handler),
            ForcePathStyle = config.PathStyle,
            IgnoreConfiguredEndpointUrls = true, // what the machine is set up for is not what the volume says
            AllowAutoRedirect = false,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED, // what is fetched is hashed here anyway
            RequestChecksumCalculation = config.ChunkedUpload
                ? RequestChecksumCalculation.WHEN_SUPPORTED
                : RequestChecksumCalculation.WHEN_REQUIRED,
        };
        if (config.Endpoint is { } endpoint)
        {
            settings.ServiceURL = endpoint.AbsoluteUri;
            settings.AuthenticationRegion = config.Region ?? "us-east-1";
        }
        else
        {
            settings.RegionEndpoint = RegionEndpoint.GetBySystemName(config.Region);
        }

        if (config is { AccessKey: { } accessKey, SecretKey: { } secretKey })
            return new(new BasicAWSCredentials(accessKey, secretKey), settings);
        if (volume.AdminSet)
            return new(settings);
        throw new SourceException(
            SourceFault.Refused,
            $"The volume '{volume.Id}' has no keys, and only one set with the admin key may use the machine's own."
        );
    }

    private sealed class OwnConnections(HttpMessageHandler handler) : HttpClientFactory
    {
        // Who asks has timeouts of his own; the client's would count the whole transfer.
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) =>
            new(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => true;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

        public override string? GetConfigUniqueString(IClientConfig clientConfig) => null;
    }
}
