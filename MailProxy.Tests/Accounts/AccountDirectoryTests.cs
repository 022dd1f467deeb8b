using CsCheck;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Accounts;

[TestFixture]
public sealed class AccountDirectoryTests
{
    private static readonly SmtpAccount[] Accounts =
    [
        Account(1, "default", "a"),
        Account(2, "default", "b"),
        Account(3, "acme", "a"),
        Account(4, "acme", "b"),
    ];

    [Test]
    public void Steps_AnyOfThem_ComeToWhatMakingItWholeComesTo() =>
        Gen.Select(Gen.Int[1, 6], Gen.OneOf(Gen.Const("acme"), Gen.Const("default"), Gen.Const("other")), Gen.Bool)
            .List[1, 40]
            .Sample(steps =>
            {
                var tenants = new TenantDirectory([
                    new() { Id = "default", Name = "d" },
                    new()
                    {
                        Id = "acme",
                        Name = "a",
                        Active = false,
                    },
                ]);
                var known = new Dictionary<AccountKey, SmtpAccount>();
                var all = new List<AccountDirectory> { new([], null, tenants) };
                foreach (var (number, tenant, isThere) in steps)
                {
                    var (before, key) = (all[^1], new AccountKey(number));
                    var account = Account(number, known.GetValueOrDefault(key)?.Tenant ?? tenant, $"id{number}") with
                    {
                        Version = all.Count,
                    };
                    if (isThere)
                        all.Add(before.With(known[key] = account));
                    else if (known.Remove(key, out var was))
                        all.Add(before.Without(was));
                }

                var (now, whole) = (all[^1], new AccountDirectory(known.Values, null, tenants));
                Assert.That(now.All, Is.EquivalentTo(whole.All));
                foreach (var tenant in new[] { "acme", "default", "other" })
                {
                    Assert.That(now.OfTenant(tenant), Is.EquivalentTo(whole.OfTenant(tenant)));
                    Assert.That(now.Default(tenant), Is.EqualTo(whole.Default(tenant)));
                    Assert.That(now.LanesOf(tenant), Is.EquivalentTo(whole.LanesOf(tenant)));
                }

                // Whatever was looked at last, what has changed since is told.
                foreach (var earlier in all)
                {
                    var changed = Enumerable.Range(1, 6).Select(static n => new AccountKey(n)).Where(k => now.Find(k) != earlier.Find(k));
                    Assert.That(now.ChangedSince(earlier), Is.SupersetOf(changed));
                }

                return true;
            });

    [Test]
    public void Default_TenantNamesOne_IsThatOne()
    {
        var directory = new AccountDirectory(
            Accounts,
            null,
            new([
                new() { Id = "default", Name = "d" },
                new()
                {
                    Id = "acme",
                    Name = "a",
                    DefaultAccount = "b",
                },
            ])
        );
        Assert.That(directory.Default("acme")?.Key.Number, Is.EqualTo(4));
        Assert.That(directory.Default("default"), Is.Null);
    }

    [Test]
    public void Default_TenantNamesOneThatIsGone_IsNone()
    {
        var directory = new AccountDirectory(
            [Accounts[2]],
            null,
            new([
                new()
                {
                    Id = "acme",
                    Name = "a",
                    DefaultAccount = "gone",
                },
            ])
        );
        Assert.That(directory.Default("acme"), Is.Null);
    }

    [Test]
    public void Accounts_OfASuspendedTenant_SaySo()
    {
        var directory = new AccountDirectory(
            Accounts,
            null,
            new([
                new() { Id = "default", Name = "d" },
                new()
                {
                    Id = "acme",
                    Name = "a",
                    Active = false,
                },
            ])
        );
        Assert.That(directory.All.Where(a => a.TenantSuspended).Select(a => a.Key.Number), Is.EqualTo(new[] { 3, 4 }));
        Assert.That(directory.Find("acme", "a")!.TenantSuspended);
        Assert.That(directory.Find(new MailProxy.Pipeline.Mail.AccountKey(1))!.TenantSuspended, Is.False);
    }

    private static SmtpAccount Account(int number, string tenant, string id) =>
        new()
        {
            Key = new(number),
            Tenant = tenant,
            Id = id,
            Version = 1,
            Host = "mx.example",
            Port = 25,
        };
}
