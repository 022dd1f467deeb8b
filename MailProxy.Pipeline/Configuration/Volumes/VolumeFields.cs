using static MailProxy.Pipeline.Configuration.Forms;
using HttpField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Configuration.Volumes.VolumeConfig.Http>;
using LocalField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Configuration.Volumes.VolumeConfig.Local>;
using S3Field = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Configuration.Volumes.VolumeConfig.S3>;
using VolumeField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Configuration.Volumes.Volume>;

namespace MailProxy.Pipeline.Configuration.Volumes;

/// <summary>What a volume is made of.</summary>
public static class VolumeFields
{
    private static readonly VolumeConfig.Local NoLocal = new("");
    private static readonly VolumeConfig.S3 NoS3 = new("", null, null, null, false, null, null, true);
    private static readonly VolumeConfig.Http NoHttp = new(new("http://localhost/"), null);

    private static readonly FieldList<VolumeConfig.Local> Local = new(
        "local",
        [
            LocalField.Of(
                "root",
                Text(4_096),
                c => c.Root,
                (c, v) => c with { Root = v ?? "" },
                required: true,
                says: "An absolute path. Only with the admin key."
            ),
        ]
    )
    {
        Rules = VolumeRules.Local,
    };

    private static readonly FieldList<VolumeConfig.S3> S3 = new(
        "s3",
        [
            S3Field.Of(
                "bucket",
                Text(255).Checked("invalid_bucket", VolumeRules.BucketFault),
                c => c.Bucket,
                (c, v) => c with { Bucket = v ?? "" },
                required: true
            ),
            S3Field.Of(
                "prefix",
                Text(800).As(VolumeRules.Trimmed, v => v).Checked("invalid_path", VolumeRules.PrefixFault),
                c => c.Prefix,
                (c, v) => c with { Prefix = v }
            ),
            S3Field.Of(
                "region",
                Text(63).Checked("invalid_region", VolumeRules.RegionFault),
                c => c.Region,
                (c, v) => c with { Region = v },
                says: "Required without endpoint."
            ),
            S3Field.Of(
                "endpoint",
                Url(query: false),
                c => c.Endpoint,
                (c, v) => c with { Endpoint = v },
                says: "Of a store that is compatible with S3."
            ),
            S3Field.Of("path_style", Flag, c => c.PathStyle, (c, v) => c with { PathStyle = v ?? false }),
            S3Field.Of(
                "access_key",
                Text(256).Checked("invalid_characters", VolumeRules.VisibleFault),
                c => c.AccessKey,
                (c, v) => c with { AccessKey = v },
                says: "Absent, together with secret_key: the machine's default AWS credentials. Only with the admin key."
            ),
            S3Field.SecretOf(
                "secret_key",
                1_024,
                c => c.SecretKey,
                (c, v) => c with { SecretKey = v },
                VolumeRules.SecretKey,
                says: "Write-only. Absent: kept."
            ),
            S3Field.Of(
                "chunked_upload",
                Flag,
                c => c.ChunkedUpload,
                (c, v) => c with { ChunkedUpload = v ?? true },
                says: "Default true; false for stores that do not know aws-chunked uploads."
            ),
        ]
    )
    {
        Rules = VolumeRules.S3,
    };

    private static readonly FieldList<VolumeConfig.Http> Http = new(
        "http",
        [
            HttpField.Of(
                "base_url",
                Url(query: false).As(VolumeRules.Directory, v => v),
                c => c.BaseUrl,
                (c, v) => c with { BaseUrl = v ?? NoHttp.BaseUrl },
                required: true
            ),
            SourceAuthFields.Of<VolumeConfig.Http>(
                c => c.Auth,
                (c, v) => c with { Auth = v },
                (now, before) => now.BaseUrl != before?.BaseUrl
            ) with
            {
                Keep = (c, kept) => SourceAuthFields.KeepKind(c.Auth, kept),
                Read = (c, kept) => c with { Auth = SourceAuthFields.ReadKind(kept) },
            },
        ]
    );

    private static readonly Variants<VolumeConfig> Backends = new(
        "VolumeConfig",
        config => config.Backend,
        [
            Variant<VolumeConfig>.Of("local", NoLocal, Local),
            Variant<VolumeConfig>.Of("s3", NoS3, S3),
            Variant<VolumeConfig>.Of("http", NoHttp, Http),
        ]
    )
    {
        Says = "Where a volume's files are. local: root; s3: bucket to chunked_upload; http: base_url and auth.",
        Shown = "Where a volume's files are; which members there are depends on the backend.",
    };

    private static readonly FieldList<Volume> Members = new(
        "Volume",
        [
            VolumeField.Id(v => v.Id),
            VolumeField.Answered("tenant", Shape.Text, v => v.Tenant) with
            {
                Always = true,
            },
            VolumeField.Of(
                "backend",
                Choice(Backends.Words),
                v => Backends.IndexOf(v.Config),
                (v, b) => v with { Config = b is { } index ? Backends.All[index].Empty : VolumeRules.NoConfig },
                required: true,
                says: "`local`, `s3`, `http`."
            ) with
            {
                Always = true,
            },
            new("config", new("object") { Object = Backends })
            {
                Required = true,
                Shown = "Absent for a shared volume of another tenant.",
                Bind = (members, v, before) => v with { Config = VolumeRules.Config(members, Backends, v.Config, before?.Config) },
                Show = (v, shown) => shown["config"] = Backends.Of(v.Config).Show(v.Config),
                Keep = (v, kept) => Nested.Beside(kept, Backends.Of(v.Config).Keep(v.Config)),
                Read = (v, kept) => v with { Config = Backends.Of(v.Config).Read(kept) },
            },
            VolumeField.Of(
                "shared",
                Flag,
                v => v.Shared,
                (v, shared) => v with { Shared = shared ?? false },
                says: "For every tenant. Only with the admin key."
            ) with
            {
                Always = true,
                InColumn = true,
            },
            VolumeField.Of("admin_set", Flag, v => v.AdminSet, (v, set) => v with { AdminSet = set ?? false }) with
            {
                Use = FieldUse.Stored,
                InColumn = true,
                Bind = (members, v, _) => v with { AdminSet = members.ByAdmin },
                Show = null,
            },
            VolumeField.Answered("last_error", Shape.Text) with
            {
                Shown = "Why it could not be used, since it last worked; absent: it works, was not used since the start, or is another's.",
            },
            VolumeField.Answered("last_error_at", Shape.Time),
        ]
    )
    {
        Rules = VolumeRules.Whole,
    };

    public static readonly Noun<Volume> Noun = new(
        "volume",
        "volumes",
        Members,
        (tenant, id) =>
            new()
            {
                Tenant = tenant,
                Id = id,
                Config = NoLocal,
            }
    )
    {
        Secrets = [new("secret", "secret", SecretOf, WithSecret)],
        SpoilsAlone = true,
    };

    private static string? SecretOf(Volume volume) =>
        volume.Config switch
        {
            VolumeConfig.S3 s3 => s3.SecretKey,
            VolumeConfig.Http http => SourceAuthFields.SecretOf(http.Auth),
            _ => null,
        };

    private static Volume WithSecret(Volume volume, string? secret) =>
        volume.Config switch
        {
            VolumeConfig.S3 s3 => volume with { Config = s3 with { SecretKey = secret } },
            VolumeConfig.Http { Auth: { } auth } http when secret is not null => volume with
            {
                Config = http with { Auth = SourceAuthFields.WithSecret(auth, secret) },
            },
            _ => volume,
        };
}
