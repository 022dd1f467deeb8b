using System.Collections.Concurrent;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Keeps one S3 client per volume, replaced when the volume changes. All clients connect through the dialer; only the look-up of the
/// machine's own credentials is left to the SDK.
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

        // The replaced client may still be in use; it owns nothing but settings, so it need not be disposed.
        var client = Client(volume, config);
        _clients[key] = (volume, client);
        return client;
    }

    /// <summary>Drops the clients of deleted volumes, with the secrets in them.</summary>
    public void Keep(VolumeDirectory directory)
    {
        foreach (var (tenant, id) in _clients.Keys)
        {
            if (directory.FindOwn(tenant, id) is null)
                _clients.TryRemove((tenant, id), out _);
        }
    }

    /// <summary>Drops the client of a volume that may not be used again.</summary>
    public void Forget(Volume volume) => _clients.TryRemove((volume.Tenant, volume.Id), out _);

    public void Dispose() => _handler.Dispose();

    private S3Client Client(Volume volume, VolumeConfig.S3 config)
    {
        var settings = new AmazonS3Config
        {
            HttpClientFactory = new OwnConnections(_handler),
            ForcePathStyle = config.PathStyle,
            IgnoreConfiguredEndpointUrls = true, // endpoints from the machine's environment must not override the volume's
            AllowAutoRedirect = false,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED, // fetched content is hashed here anyway
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
        // The callers have their own timeouts; the client's would include the whole transfer.
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) =>
            new(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => true;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

        public override string? GetConfigUniqueString(IClientConfig clientConfig) => null;
    }
}
