using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Configuration.Keys;
using MailProxy.Pipeline.Configuration.Pools;
using MailProxy.Pipeline.Configuration.Tenants;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Hosting;

/// <summary>What is configured, as it is in force, and the writers that change it. A new noun gets its writer here.</summary>
internal sealed class ConfiguredResources
{
    private readonly AccountsInForce _accountsInForce;
    private readonly ConfigurationTurn _turn = new();
    private readonly ConfigurationWriter<SmtpAccount> _accounts;
    private readonly ConfigurationWriter<Pool> _pools;
    private readonly ConfigurationWriter<Volume> _volumes;
    private readonly ConfigurationWriter<TenantKey> _keys;
    private readonly ConfigurationWriter<WebhookEndpoint> _webhooks;
    private readonly ConfigurationWriter<Tenant> _tenants;

    public ConfiguredResources(IConfigurationStore store, ISendingStore sending, ILoggerFactory logs)
    {
        var logger = logs.CreateLogger("MailProxy.Pipeline.Configuration");
        ConfigurationWriter<T> Writer<T>(Noun<T> noun, Action<Snapshot<T>> swap, Func<Task>? then = null)
            where T : class => new(noun, store, _turn, swap, logger, then);

        _accountsInForce = new(Accounts, Tenants, logs.CreateLogger<AccountsInForce>());
        _accounts = Writer(
            AccountFields.Noun,
            all =>
            {
                sending.Learn(all.Changed is { Value: { } changed } ? [changed] : all.Values);
                _accountsInForce.Swap(all);
            }
        );
        _pools = Writer(
            PoolFields.Noun,
            all =>
            {
                _accountsInForce.Pools = new(all.Values);
                _accountsInForce.Swap(_accounts.Snapshot);
            }
        );
        _volumes = Writer(VolumeFields.Noun, all => Volumes.Swap(VolumeDirectory.Of(all)));
        _keys = Writer(KeyFields.Noun, all => Keys.Swap(new([.. all.Values])));
        _webhooks = Writer(WebhookFields.Noun, static _ => { });
        _tenants = Writer(TenantFields.Noun, all => Tenants.Swap(new([.. all.Values])), FollowTenantsAsync);
    }

    public CurrentAccounts Accounts { get; } = new();
    public CurrentTenants Tenants { get; } = new();
    public CurrentVolumes Volumes { get; } = new();
    public CurrentKeys Keys { get; } = new();

    public void AddTo(IServiceCollection services) =>
        services
            .AddSingleton(_turn)
            .AddSingleton(_accountsInForce)
            .AddSingleton(Accounts)
            .AddSingleton(Tenants)
            .AddSingleton(Volumes)
            .AddSingleton(Keys)
            .AddSingleton(_accounts)
            .AddSingleton(_pools)
            .AddSingleton(_volumes)
            .AddSingleton(_keys)
            .AddSingleton(_webhooks)
            .AddSingleton(_tenants);

    // What a tenant has goes with it. When one is put only its accounts look otherwise: they wait while it is suspended.
    private async Task FollowTenantsAsync()
    {
        var all = _tenants.Snapshot;
        if (all.Changed is { } changed && all.Find(changed.Tenant, changed.Id) is not null)
        {
            _accountsInForce.Swap(_accounts.Snapshot);
            return;
        }

        await _keys.ReloadAsync(); // first, so that they are refused whatever comes after
        await _pools.ReloadAsync();
        await _accounts.ReloadAsync();
        await _volumes.ReloadAsync();
        await _webhooks.ReloadAsync();
    }
}
