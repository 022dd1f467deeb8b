using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <summary>The way that a message asks for.</summary>
/// <param name="Account">The account by whose rules it is judged: its own, or the first of the pool that may send from its From; null: the
/// way is wrong.</param>
/// <param name="Pool">Null: it goes by the account.</param>
/// <param name="NotBy">Ids of the pool's accounts that may not send from its From, with commas between; null: none.</param>
/// <param name="Only">The one account of the pool that is left; null: there are several.</param>
internal readonly record struct MailRoute(SmtpAccount? Account, Pool? Pool = null, string? NotBy = null, AccountKey? Only = null);

/// <summary>Finds the account or the pool that a message goes by.</summary>
internal static class RouteRules
{
    private const int Named = 20;

    public static MailRoute Find(AccountDirectory directory, string tenant, MailDraft mail, Mistakes mistakes)
    {
        if (mail is { Account: not null, Pool: not null })
        {
            mistakes.Add("/pool", "conflict", "Name an account or a pool, not both.");
            return default;
        }

        if (mail.Account is null && (mail.Pool ?? directory.Tenants.Find(tenant)?.DefaultPool) is { } id)
            return OfPool(directory, tenant, id, mail.Pool is null, mistakes);
        var account = mail.Account is null ? directory.Default(tenant) : directory.Find(tenant, mail.Account);
        if (account is not null)
            return new(account);
        if (mail.Account is null)
            mistakes.Add("/account", "account_required", $"{WhyNoDefault(directory, tenant)} {Choice(directory, tenant)}");
        else
            mistakes.Add("/account", "unknown_account", $"There is no such account. {Choice(directory, tenant)}");
        return default;
    }

    /// <summary>
    /// Of a pool: leaves out accounts that may not send from the message's From. When none may, it is judged by the first, which says so.
    /// </summary>
    public static MailRoute For(this MailRoute route, AccountDirectory directory, MailDraft mail, RawHead raw)
    {
        if (route.Pool is not { } pool)
            return route;
        var left = new List<SmtpAccount>();
        var excluded = new List<string>();
        foreach (var (account, _) in directory.MembersOf(pool))
        {
            if (AllowedSenders.Of(account) is { } allowed && !MaySend(allowed, mail, raw))
                excluded.Add(account.Id);
            else
                left.Add(account);
        }

        return left.Count == 0 || excluded.Count == 0
            ? route
            : new(left[0], pool, string.Join(',', excluded), left is [var only] ? only.Key : null);
    }

    private static MailRoute OfPool(AccountDirectory directory, string tenant, string id, bool isDefault, Mistakes mistakes)
    {
        if (directory.Pools.Find(tenant, id) is not { } pool)
        {
            if (isDefault)
                mistakes.Add("/pool", "pool_required", $"The tenant's default_pool '{id}' does not exist. {PoolChoice(directory, tenant)}");
            else
                mistakes.Add("/pool", "unknown_pool", $"There is no such pool. {PoolChoice(directory, tenant)}");
            return default;
        }

        foreach (var (account, _) in directory.MembersOf(pool))
            return new(account, pool);
        mistakes.Add("/pool", "unknown_account", $"None of the accounts of the pool '{id}' exists. PUT /v1/pools/{id} names others.");
        return default;
    }

    // Addresses that are wrong are told elsewhere.
    internal static bool MaySend(AllowedSenders allowed, MailDraft mail, RawHead raw)
    {
        foreach (var entry in mail.From?.Entries ?? [])
        {
            if (Addresses.Read(entry, out var from) is null && !allowed.Contains(from))
                return false;
        }

        if (
            mail.ReturnPath is not (null or "" or "<>")
            && Addresses.ReadBare(mail.ReturnPath, out var path) is null
            && !allowed.Contains(path)
        )
            return false;
        return !raw.Readable
            || (raw.From.All(allowed.Contains) && (!raw.HasSender || (raw.Sender is { } sender && allowed.Contains(sender))));
    }

    private static string WhyNoDefault(AccountDirectory directory, string tenant) =>
        directory.Tenants.Find(tenant)?.DefaultAccount is { } chosen
            ? $"The tenant's default_account '{chosen}' does not exist."
            : "The message names no account, and the tenant has no default_account.";

    private static string Choice(AccountDirectory directory, string tenant)
    {
        var names = directory.All.Where(a => a.Tenant == tenant).Select(static a => a.Id);
        return OneOf(names, "accounts") ?? "The tenant has no account yet: PUT /v1/accounts/{id} makes one.";
    }

    private static string PoolChoice(AccountDirectory directory, string tenant) =>
        OneOf(directory.Pools.OfTenant(tenant).Select(static p => p.Id), "pools")
        ?? "The tenant has no pool yet: PUT /v1/pools/{id} makes one.";

    private static string? OneOf(IEnumerable<string> ids, string collection)
    {
        string[] names = [.. ids.Order(StringComparer.Ordinal).Take(Named + 1)];
        if (names.Length == 0)
            return null;
        var more = names.Length > Named ? $" and more (GET /v1/{collection})" : "";
        return $"Name one of: {string.Join(", ", names.Take(Named))}{more}.";
    }
}
