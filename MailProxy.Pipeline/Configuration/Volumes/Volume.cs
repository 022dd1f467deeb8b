namespace MailProxy.Pipeline.Configuration.Volumes;

/// <summary>
/// A named store of files, as the stages see it: secrets decrypted, immutable. A changed volume is a new object; equal ones reach the same
/// place with the same rights.
/// </summary>
public sealed record Volume
{
    public required string Tenant { get; init; }
    public required string Id { get; init; }

    /// <summary>Every tenant may use it. Set with the admin key only.</summary>
    public bool Shared { get; init; }

    /// <summary>Set with the admin key: may be any directory of this machine, and may use the machine's own AWS credentials.</summary>
    public bool AdminSet { get; init; }

    public required VolumeConfig Config { get; init; }

    // A record's generated text would carry secrets into a log.
    public override string ToString() => $"{Tenant}/{Id}";
}

/// <summary>Where a volume's files are: a closed set.</summary>
public abstract record VolumeConfig
{
    private VolumeConfig() { }

    /// <summary>The contract's word: <c>local</c>, <c>s3</c>, <c>http</c>.</summary>
    public abstract string Backend { get; }

    /// <summary>A directory of this machine.</summary>
    /// <param name="Root">Absolute.</param>
    public sealed record Local(string Root) : VolumeConfig
    {
        public override string Backend => "local";
    }

    /// <summary>Objects of an S3-compatible store.</summary>
    /// <param name="Prefix">In front of every path, a slash between; itself without slashes at its ends.</param>
    /// <param name="Region">Null with an endpoint only: requests are then signed for us-east-1.</param>
    /// <param name="Endpoint">Null: Amazon's own.</param>
    /// <param name="PathStyle">The bucket stands in the path and not in the host name.</param>
    /// <param name="AccessKey">Null together with <paramref name="SecretKey"/>: the machine's default credentials, for <see
    /// cref="Volume.AdminSet"/> volumes only.</param>
    /// <param name="ChunkedUpload">Uploads are signed in chunks (aws-chunked); some compatible stores do not know that.</param>
    public sealed record S3(
        string Bucket,
        string? Prefix,
        string? Region,
        Uri? Endpoint,
        bool PathStyle,
        string? AccessKey,
        string? SecretKey,
        bool ChunkedUpload
    ) : VolumeConfig
    {
        public override string Backend => "s3";

        /// <summary>The object's key of a path in this volume.</summary>
        public string KeyOf(string path) => Prefix is null ? path : $"{Prefix}/{path}";
    }

    /// <summary>Files of a web server; a WebDAV server is read the same way.</summary>
    /// <param name="BaseUrl">Absolute http or https, its path ending with a slash; without credentials, query and fragment.</param>
    public sealed record Http(Uri BaseUrl, SourceAuth? Auth) : VolumeConfig
    {
        public override string Backend => "http";
    }

    public sealed override string ToString() => Backend;
}
