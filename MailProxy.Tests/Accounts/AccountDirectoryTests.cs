using MailProxy.Pipeline.Accounts;
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
