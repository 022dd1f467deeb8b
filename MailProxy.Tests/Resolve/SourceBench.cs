using System.Net;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Resolve;

namespace MailProxy.Tests.Resolve;

/// <summary>
/// The sources in a small world: 127.0.0.1 is the only address that may be reached, <c>*.files.example</c> lead there, and every other name
/// leads inside.
/// </summary>
internal sealed class SourceBench : IDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly SocketsHttpHandler _handler;
    private readonly HttpMessageInvoker _trusting;

    public SourceBench(ResolveOptions? options = null, TimeProvider? clock = null)
    {
        Options = options ?? new();
        Clock = clock ?? TimeProvider.System;
        Dialer = new(new(new() { Allowed = ["127.0.0.1"] }), (host, _) => Task.FromResult(Lookup(host)));
        Sources = new(Volumes, tenant => tenant == "default" ? Endpoint : null, Dialer, Options, Clock);

        // The test's own certificate is no matter of the sources.
        _handler = Dialer.Handler();
        _handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        _trusting = new(_handler);
    }

    public ResolveOptions Options { get; }
    public TimeProvider Clock { get; }
    public Dialer Dialer { get; }
    public CurrentVolumes Volumes { get; } = new();
    public (Uri Address, SourceAuth? Auth)? Endpoint { get; set; }
    public AttachmentSources Sources { get; }

    /// <summary>What the address of a name that nobody allowed is.</summary>
    public Dictionary<string, IPAddress[]> Names { get; } = [];

    public void Set(string id, VolumeConfig config, bool adminSet = true) =>
        Volumes.Swap(
            new([
                .. Volumes.Directory.All.Where(v => v.Id != id),
                new()
                {
                    Tenant = "default",
                    Id = id,
                    AdminSet = adminSet,
                    Config = config,
                },
            ])
        );

    public static AttachmentRef Wanted(string source, SourceAuth? auth = null) =>
        AttachmentNotation.Read(new() { Filename = "a", Source = source }, 0) is { Fetched: { } fetched }
            ? fetched with
            {
                Auth = auth,
            }
            : throw new ArgumentException(source);

    public Task<OpenedSource> OpenAsync(string source, SourceAuth? auth = null, CancellationToken cancel = default) =>
        Sources.OpenAsync("default", Wanted(source, auth), cancel).WaitAsync(Deadline, CancellationToken.None);

    public async Task<byte[]> ReadAsync(string source, SourceAuth? auth = null)
    {
        await using var opened = await OpenAsync(source, auth);
        return await AllAsync(opened);
    }

    /// <summary>With a client that trusts every certificate.</summary>
    public async Task<byte[]> ReadTrustingAsync(string url, SourceAuth? auth = null)
    {
        await using var opened = await new HttpFetch(_trusting, Options, Clock)
            .OpenAsync(new(new(url), auth, url), default)
            .WaitAsync(Deadline);
        return await AllAsync(opened);
    }

    public static async Task<byte[]> AllAsync(OpenedSource opened)
    {
        using var all = new MemoryStream();
        await opened.Content.CopyToAsync(all).WaitAsync(Deadline);
        return all.ToArray();
    }

    /// <summary>How it ended: null for content, else the fault.</summary>
    public async Task<SourceException?> TryAsync(string source, SourceAuth? auth = null)
    {
        try
        {
            await ReadAsync(source, auth);
            return null;
        }
        catch (SourceException error)
        {
            return error;
        }
    }

    public void Dispose()
    {
        Sources.Dispose();
        _trusting.Dispose();
    }

    private IPAddress[] Lookup(string host) =>
        host.EndsWith("files.example", StringComparison.Ordinal)
            ? [IPAddress.Loopback]
            : Names.GetValueOrDefault(host) ?? [IPAddress.Parse("127.0.0.2")];
}
