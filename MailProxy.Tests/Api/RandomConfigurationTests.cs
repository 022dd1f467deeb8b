using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using CsCheck;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Configuration.Tenants;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Resolve;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>
/// Random configuration is refused with its pointers, or taken; and whatever is taken is used without an exception that nobody expects.
/// </summary>
public sealed class RandomConfigurationTests
{
    private static readonly Gen<string> Host = Gen.OneOf(
        Gen.OneOf(
            "a.example",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "[::1%25eth0]",
            "xn--\u0378",
            "\u202e.example",
            "a..b",
            "-",
            "%65",
            "ü.example",
            "1",
            "0x7f.1",
            "a_b",
            "",
            "."
        ),
        Gen.Int[1, 70].Select(count => new string('ü', count) + ".example"),
        Gen.Int[1, 300].Select(count => new string('a', count)),
        Gen.Int[1, 20].Select(count => string.Join('.', Enumerable.Repeat(new string('ü', 20), count))),
        Gen.String[Gen.Char, 0, 12].Where(static text => !text.Any(char.IsSurrogate))
    );

    private static readonly Gen<object?> Url = Gen.Select(
            Gen.OneOf("http://", "https://", "ftp://", "", "http:", "HTTP://u:p@"),
            Host,
            Gen.OneOf("", "/", ":0/", ":1/", ":65536/", "/?q=1", "/#f", "/\u0001", "/ü")
        )
        .Select(static (scheme, host, rest) => (object?)(scheme + host + rest));

    private static readonly Gen<object?> Text = Gen.OneOf(
        Gen.OneOf<object?>("files", "a", "..", "a/b", "a\nb", "eu-central-1", "-", "ü", "", null, 1, true, "none"),
        Gen.String[Gen.Char, 0, 20].Where(static text => !text.Any(char.IsSurrogate)).Select(static text => (object?)text)
    );

    private static readonly Gen<object?> Auth = Gen.OneOf(
        Gen.Const(static () => (object?)null),
        Gen.Select(
                Gen.OneOf<object?>("Expires", "Allow", "Content-Type", "Host", "X-Key", "a b", "webhook-id", "Authorization", "ü", ""),
                Text
            )
            .Select(static (name, value) => (object?)new Dictionary<string, object?> { ["header"] = name, ["value"] = value }),
        Text.Select(static token => (object?)new Dictionary<string, object?> { ["bearer"] = token }),
        Gen.Select(Text, Text)
            .Select(static (user, password) => (object?)new Dictionary<string, object?> { ["user"] = user, ["password"] = password })
    );

    // Every name leads nowhere or to a port that nobody listens on; nothing leaves this machine.
    private static readonly Dialer Dialer = new(
        new(new() { Allowed = ["127.0.0.1"] }),
        static (host, _) =>
            host.Length % 2 == 0
                ? Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.2")])
                : throw new SocketException((int)SocketError.HostNotFound)
    );

    [Test]
    public void Webhooks() =>
        Gen.Select(Url, Auth)
            .SampleAsync(
                static async (url, auth) =>
                {
                    var members = Members(new() { ["url"] = url, ["auth"] = auth });
                    var endpoint = WebhookFields.Noun.Fields.Bind(members, WebhookFields.Noun.New("acme", "w"), null);
                    if (Refused(members))
                        return;
                    using var http = Dialer.HttpClient();
                    var test = await new WebhookProbe(http, new(), TimeProvider.System).TryAsync(endpoint, CancellationToken.None);
                    if (test.Error is null or "")
                        throw new InvalidOperationException("Nobody listens there.");
                },
                iter: 1_000,
                threads: 2
            );

    [Test]
    public void Volumes() =>
        Gen.Select(Gen.OneOf("s3", "http"), Url, Auth, Text, Text, Text)
            .SampleAsync(
                static async (backend, url, auth, bucket, prefix, region) =>
                {
                    Dictionary<string, object?> config =
                        backend == "http"
                            ? new() { ["base_url"] = url, ["auth"] = auth }
                            : new()
                            {
                                ["bucket"] = bucket,
                                ["prefix"] = prefix,
                                ["region"] = region,
                                ["endpoint"] = url,
                                ["access_key"] = "a",
                                ["secret_key"] = "b",
                                ["path_style"] = prefix is null,
                            };
                    var members = Members(new() { ["backend"] = backend, ["config"] = config });
                    var volume = VolumeFields.Noun.Fields.Bind(members, VolumeFields.Noun.New("acme", "v"), null);
                    if (Refused(members))
                        return;
                    using var probe = new VolumeProbe(Dialer, new(), TimeProvider.System);
                    var (whole, file) = (
                        await probe.TestAsync(volume, null, CancellationToken.None),
                        await probe.TestAsync(volume, "a/b", CancellationToken.None)
                    );
                    if (whole.Ok || file.Ok)
                        throw new InvalidOperationException("Nobody listens there.");
                },
                iter: 1_000,
                threads: 2
            );

    [Test]
    public void Tenants() =>
        Gen.Select(Url, Auth, Text)
            .SampleAsync(
                static async (url, auth, volume) =>
                {
                    var members = Members(
                        new()
                        {
                            ["name"] = "Acme",
                            ["attachment_endpoint"] = new Dictionary<string, object?> { ["url"] = url, ["auth"] = auth },
                            ["large_files"] = new Dictionary<string, object?>
                            {
                                ["threshold"] = 1,
                                ["action"] = "link",
                                ["volume"] = volume,
                            },
                        }
                    );
                    var tenant = TenantFields.Noun.Fields.Bind(members, TenantFields.Noun.New("acme", "acme"), null);
                    if (Refused(members))
                        return;
                    using var http = Dialer.HttpClient();
                    var endpoint = tenant.AttachmentEndpoint!;
                    try
                    {
                        await new HttpFetch(http, new(), TimeProvider.System).OpenAsync(
                            new(endpoint.Url, endpoint.Auth, "place", "{}"u8.ToArray()),
                            CancellationToken.None
                        );
                    }
                    catch (SourceException)
                    {
                        return; // as it should be
                    }

                    throw new InvalidOperationException("Nobody listens there.");
                },
                iter: 1_000,
                threads: 2
            );

    [Test]
    public void Accounts() =>
        Gen.Select(Host, Text)
            .SampleAsync(
                static async (host, description) =>
                {
                    var members = Members(
                        new()
                        {
                            ["host"] = host,
                            ["port"] = 25,
                            ["security"] = "none",
                            ["description"] = description,
                        }
                    );
                    var account = AccountFields.Noun.Fields.Bind(members, AccountFields.Noun.New("acme", "a"), null);
                    if (Refused(members))
                        return;
                    try
                    {
                        await Dialer.AddressesAsync(account.Host!, CancellationToken.None);
                    }
                    catch (AddressRefusedException)
                    {
                        // As it should be.
                    }
                },
                iter: 2_000,
                threads: 2
            );

    private static MemberReader Members(Dictionary<string, object?> body)
    {
        var json = JsonDocument.Parse(JsonSerializer.Serialize(body));
        return new(json.RootElement);
    }

    private static bool Refused(MemberReader members) =>
        members.Refusal is { } refusal && refusal.Problem.Errors.All(error => error.Pointer.StartsWith('/') && error.Detail.Length > 0);
}
