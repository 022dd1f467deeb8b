using System.Net.Http.Headers;
using System.Text;
using System.Threading.Channels;
using MailProxy.Daemon.Api;
using MailProxy.Daemon.Hosting;
using MailProxy.Daemon.Operations;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace MailProxy.Tests.Api;

/// <summary>The HTTP edge alone: the stores are lists, and a script stands behind the channel where Ingest and Persist would.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    public const string Key = "a-key-for-tests";
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private WebApplication? _app;
    private Task _ingest = Task.CompletedTask;

    private readonly ConfiguredResources _configured;

    public ApiHost()
    {
        Log = new(Configuration);
        _configured = new(Configuration, Sending, NullLoggerFactory.Instance);
    }

    public TimerClock Clock { get; } = new();
    public Channel<Submission> Ingest { get; init; } = Channel.CreateBounded<Submission>(16);
    public IngestOptions Limits { get; init; } = new();
    public Action<ApiOptions> Configure { get; init; } = _ => { };
    public TenantOptions Quotas { get; init; } = new();
    public ITenantRemoval Removal { get; } = NSubstitute.Substitute.For<ITenantRemoval>();
    public List<string> Forgotten { get; } = [];
    public bool OnKestrel { get; init; }
    public TenantShare Share { get; init; } = TenantShare.Unlimited;
    public string Scratch { get; } = Directory.CreateTempSubdirectory("mailproxy-scratch-").FullName;
    public int MostConnections { get; init; } = 512;

    public FakeQueries Queries { get; } = new();
    public FakeMessageStore Store { get; } = new();
    public FakeSendingStore Sending { get; } = new();
    public FakeConfigurationStore Configuration { get; } = new();
    public CurrentVolumes CurrentVolumes => _configured.Volumes;
    public Func<WebhookEndpoint, WebhookTestAnswer> TestWebhook { get; set; } = static _ => new(true, 1, null);
    public FakeVolumeProbe VolumeProbe { get; } = new();
    public FakeDeliveryLog Log { get; }
    public CurrentAccounts Current => _configured.Accounts;
    public CurrentTenants CurrentTenants => _configured.Tenants;
    public FakeKeyUseStore KeyUses { get; } = new();
    public CurrentKeys CurrentKeys => _configured.Keys;
    public FakeAuditLog Audit { get; } = new();
    public FakeBatchStore Batches { get; } = new();
    public Wake Wake { get; } = new();
    public PipelineHealth Health { get; } = new() { Running = true };
    public CollectorRegistry Registry { get; } = Metrics.NewCustomRegistry();
    public LogRecorder Logged { get; } = new();
    public long FreeDisk { get; set; } = long.MaxValue;

    public NotReady? Missing { get; set; }
    public List<string> Dispatcher { get; } = [];
    public bool Suspended { get; set; }
    public Dictionary<AccountKey, LaneWait> Lanes { get; } = [];

    /// <summary>Circuits that are not closed.</summary>
    public Dictionary<AccountKey, (CircuitState, Circuit)> Circuits { get; } = [];

    /// <summary>Everything that holds a lane's mail.</summary>
    public Dictionary<LaneKey, IReadOnlyList<LaneWait>> Gates { get; } = [];

    /// <summary>How far limits are used up.</summary>
    public Dictionary<LimitKey, LimitUsage[]> Used { get; } = [];

    /// <summary>Lanes that had a reason to wait within the last minute.</summary>
    public HashSet<LaneKey> Excused { get; } = [];
    public List<SandboxMailAnswer> Caught { get; } = [];
    public int WebhookChanges { get; private set; }
    public OpenDownload Downloads { get; set; } = (_, _, _) => Task.FromResult<Download>(new Download.Unknown());
    public Func<SmtpAccount, AccountTestAnswer> TestAccount { get; set; } =
        _ => new(true, "done", true, "Tls13", true, ["SIZE"], null, null, 1.5);

    /// <summary>What stands behind the channel; null: nobody reads it.</summary>
    public Func<Submission, ValueTask>? Behind { get; init; } =
        s =>
        {
            StoreAll(s);
            return ValueTask.CompletedTask;
        };

    public IServiceProvider Services => _app!.Services;
    public HttpClient Client { get; private set; } = null!;
    public Uri Address { get; private set; } = null!;

    public static async Task<ApiHost> StartAsync(ApiHost? host = null)
    {
        host ??= new();
        await host.RunAsync();
        return host;
    }

    public static void StoreAll(Submission submission)
    {
        if (submission.TryTake())
            submission.Complete(Stored(submission));
    }

    /// <summary>What the store says when everything that was bound is accepted.</summary>
    public static SubmissionAnswer.Stored Stored(Submission submission) =>
        new([
            .. submission.Drafts.Select(
                (d, i) =>
                    d.Problem is null
                        ? new ReceiptLine(d.Mail!.Id ?? $"made-{i}", MessageState.Queued, 1_893_553_445_000)
                        : new ReceiptLine(null, default, 0, d.Problem)
            ),
        ]);

    public HttpClient NewClient(string? key)
    {
        var client = OnKestrel ? new HttpClient { BaseAddress = Address } : _app!.GetTestClient();
        client.Timeout = Deadline;
        if (key is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    public Task<HttpResponseMessage> SendAsync(
        string method,
        string path,
        string? json = null,
        string contentType = "application/json",
        params (string Name, string Value)[] headers
    )
    {
        var request = new HttpRequestMessage(new(method), path);
        if (json is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(json));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return Client.SendAsync(request).WaitAsync(Deadline);
    }

    /// <summary>Puts an account where both the store and the stages see it.</summary>
    public async Task<SmtpAccount> AddAsync(SmtpAccount account)
    {
        var numbered = account with { Key = new(Configuration.Values<SmtpAccount>().Count() + 1_000) };
        Configuration.Add(
            new Resource<SmtpAccount>(account.Tenant, account.Id, account.Version, numbered) { Number = numbered.Key.Number }
        );
        await Services.GetRequiredService<ConfigurationWriter<SmtpAccount>>().LoadAsync();
        return numbered;
    }

    /// <summary>Puts a resource where both the store and the stages see it; null: one that cannot be read.</summary>
    public async Task AddAsync<T>(string tenant, string id, T? value)
        where T : class
    {
        Configuration.Add(tenant, id, value);
        await Services.GetRequiredService<ConfigurationWriter<T>>().LoadAsync();
    }

    /// <summary>Puts in force what was added to <see cref="Configuration"/> of tenants and all that they have.</summary>
    public Task LoadAsync() => Services.GetRequiredService<ConfigurationWriter<Tenant>>().LoadAsync();

    public async ValueTask DisposeAsync()
    {
        Ingest.Writer.TryComplete();
        await _ingest.WaitAsync(Deadline);
        Client.Dispose();
        if (_app is not null)
            await _app.DisposeAsync();
        Directory.Delete(Scratch, recursive: true);
    }

    private async Task RunAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        if (OnKestrel)
            builder.WebHost.UseUrls("http://127.0.0.1:0");
        else
            builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders().AddProvider(Logged);

        var services = builder.Services;
        services.AddSingleton(Share).AddSingleton(new ConnectionLimit(MostConnections));
        services.AddMailProxyApi();
        services.AddOperations(NSubstitute.Substitute.For<IOperationStore>());
        services.Configure(Configure);
        Configuration.Add(Tenant.DefaultId, Tenant.DefaultId, TenantDirectory.Initial.All.Single());
        _configured.AddTo(services);
        services
            .AddSingleton<IConfigurationStore>(Configuration)
            .AddSingleton<IKeyUseStore>(KeyUses)
            .AddSingleton<IAuditLog>(Audit)
            .AddSingleton<IBatchStore>(Batches)
            .AddSingleton(NSubstitute.Substitute.For<ISuppressionStore>())
            .AddSingleton(new MailProxy.Pipeline.Mail.UnsubscribeLinks(new byte[32], null, static _ => null));
        services
            .AddSingleton(Ingest.Writer)
            .AddSingleton(Limits)
            .AddSingleton(new AdminKey(Key))
            .AddSingleton<FreeDisk>(() => FreeDisk)
            .AddSingleton<BeginSpool>(() => new(Scratch))
            .AddSingleton<StorageLook>(() => Missing)
            .AddSingleton<IMessageQueries>(Queries)
            .AddSingleton<IMessageStore>(Store)
            .AddSingleton<ISendingStore>(Sending)
            .AddSingleton<IDeliveryLog>(Log)
            .AddSingleton<IVolumeProbe>(VolumeProbe)
            .AddSingleton(Wake)
            .AddSingleton(Health)
            .AddSingleton(Registry)
            .AddSingleton(new PipelineMetrics(Registry))
            .AddSingleton<TimeProvider>(Clock)
            .AddSingleton(
                new DispatcherControl(
                    () => Dispatcher.Add("suspend"),
                    () => Dispatcher.Add("activate"),
                    () => Dispatcher.Add("run-now"),
                    () => Suspended,
                    at => Dispatcher.Add($"expiry {at}"),
                    key => Lanes.GetValueOrDefault(key),
                    tenant => Dispatcher.Add($"report {tenant}")
                )
                {
                    IsExcused = Excused.Contains,
                    Circuit = key => Circuits.TryGetValue(key, out var known) ? known : null,
                    ProbeNow = tenant => Dispatcher.Add($"probe {tenant}"),
                    ResetCircuit = (account, by) =>
                    {
                        Dispatcher.Add($"close {account} {by}");
                        return Circuits.Remove(account.Key);
                    },
                    Limits = key => Used.GetValueOrDefault(key) ?? [],
                    Lane = lane => new(Gates.GetValueOrDefault(lane) ?? [], 2),
                }
            )
            .AddSingleton<WebhookTrial>((endpoint, _) => Task.FromResult(TestWebhook(endpoint)))
            .AddSingleton<WebhookHeard>(static (_, _) => [])
            .AddSingleton<AccountTest>((account, _) => Task.FromResult(TestAccount(account)))
            .AddSingleton<WriteRaw>(async (content, _, target, cancel) => await target.WriteAsync(content.Json, cancel))
            .AddSingleton(provider => MailProxy.Daemon.Hosting.Seams.Reroutes(provider.GetRequiredService<CurrentAccounts>()))
            .AddSingleton(new ScratchFiles(Scratch))
            .AddSingleton<OpenDownload>((token, head, cancel) => Downloads(token, head, cancel))
            .AddSingleton(NSubstitute.Substitute.For<IErasure>())
            .AddSingleton<WebhooksChanged>(() => WebhookChanges++)
            .AddSingleton(
                new SandboxView(
                    (limit, before) => [.. Caught.Where(m => before is null || m.Id < before).OrderByDescending(m => m.Id).Take(limit)],
                    id => Caught.Any(m => m.Id == id) ? (ReadOnlyMemory<byte>?)Encoding.ASCII.GetBytes($"raw {id}") : null,
                    static _ => 0
                )
            );

        services
            .AddSingleton(Quotas)
            .AddSingleton(new IsProtectedRoot(new ProtectedFiles("data").AreAllOf))
            .AddSingleton(Removal)
            .AddSingleton(new NetworkPolicy(new() { Allowed = ["10.0.0.0/8"] }))
            .AddSingleton<ForgetContent>(tenant => Forgotten.Add(tenant));
        NSubstitute.SubstituteExtensions.ReturnsForAnyArgs(Removal.RemoveAsync("", 0), Task.FromResult(true));
        _app = builder.Build();
        await LoadAsync();
        _app.MapMailProxyApi();
        _app.MapOperations();
        await _app.StartAsync();
        if (OnKestrel)
            Address = new Uri(_app.Urls.First());
        Client = NewClient(Key);
        if (Behind is { } behind)
            _ingest = Task.Run(async () =>
            {
                await foreach (var submission in Ingest.Reader.ReadAllAsync())
                    await behind(submission);
            });
    }
}
