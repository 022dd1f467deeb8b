using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Storage.Sqlite;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace MailProxy.Tests.Resolve;

/// <summary>Links to large files with a real store, real directories and, when asked for, a real S3 server.</summary>
internal sealed class LinkRig : IDisposable
{
    public static readonly LargeFiles Rule = new(1_000, LargeFileAction.Link, "files", LifetimeDays: 2);

    private readonly TemporaryStore _store;
    private readonly TempDirectory _root = new();
    private readonly LoggerFactory _logs = new();
    private readonly S3Clients _clients;

    private LinkRig(TemporaryStore store, ILinkStore links)
    {
        (_store, Links) = (store, links);
        _logs.AddProvider(Logged);
        var dialer = new Dialer(new NetworkPolicy(new NetworkOptions { Allowed = ["127.0.0.0/8"] }));
        _clients = new(dialer);
        Service = new(links, Volumes, dialer, new Uri("https://mail.example/"), Clock, _logs);
        Writer = new(_clients, Clock);
        Sweep = new(links, Volumes, Writer, Clock, _logs.CreateLogger<LinkSweep>());
        Use(new VolumeConfig.Local(_root));
    }

    public FakeTimeProvider Clock { get; } = new(TimeProvider.System.GetUtcNow());
    public LogRecorder Logged { get; } = new();
    public ILinkStore Links { get; }
    public CurrentVolumes Volumes { get; } = new();
    public LargeFileService Service { get; }
    public VolumeWriter Writer { get; }
    public LinkSweep Sweep { get; }
    public string Root => _root;
    public long Now => Clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The files below the volume's root, without its path.</summary>
    public string[] Stored =>
        [.. Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Root, f))];

    public static async Task<LinkRig> StartAsync()
    {
        var store = new TemporaryStore();
        return new(store, await SqlLinkStore.OpenAsync(store.Database, store.Box));
    }

    public static VolumeConfig.S3 Bucket(S3Server server, string? prefix = null) =>
        new("files", prefix, S3Server.Region, server.Endpoint, true, S3Server.AccessKey, S3Server.SecretKey, true);

    /// <summary>The volume <c>files</c> is there from now on.</summary>
    public void Use(VolumeConfig config) =>
        Volumes.Swap(
            new([
                new()
                {
                    Tenant = "default",
                    Id = "files",
                    Shared = true,
                    AdminSet = true,
                    Config = config,
                },
            ])
        );

    public Task<LinkedFiles?> ApplyAsync(
        LargeFile[] files,
        LargeFiles? rule = null,
        long message = 1,
        int revision = 1,
        int attempt = 0,
        bool mayUpload = true
    ) =>
        Service.Files.ApplyAsync(
            new(message, revision, new(1), Priority.Medium, attempt, 0, 1),
            "acme",
            rule ?? Rule,
            files,
            mayUpload,
            CancellationToken.None
        );

    public async Task<FileLink> LinkAsync(LargeFile file, long message = 1, LargeFiles? rule = null) =>
        (await ApplyAsync([file], rule, message))!.Links.Single();

    public static LargeFile File(
        byte[] content,
        string name = "plan.pdf",
        int index = 0,
        bool inline = false,
        string? type = "application/pdf"
    ) => new(index, name, type, content.Length, inline, () => new MemoryStream(content));

    public static byte[] Bytes(int count, int seed = 1)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public void Dispose()
    {
        Service.Dispose();
        _clients.Dispose();
        _logs.Dispose();
        _root.Dispose();
        _store.Dispose();
    }
}
