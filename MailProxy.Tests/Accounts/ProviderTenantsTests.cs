using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Accounts;

/// <summary>Which accounts are one customer's.</summary>
internal sealed class ProviderTenantsTests
{
    [TestCase("a@contoso.example", "b@CONTOSO.example", true)]
    [TestCase("a@contoso.example", "b@other.example", false)]
    [TestCase("a@outlook.com", "b@outlook.com", false, Description = "people, not an organisation")]
    [TestCase("a@outlook.com", "A@outlook.com", true)]
    [TestCase("AKIAEXAMPLE", "AKIAEXAMPLE", true)]
    [TestCase("AKIAEXAMPLE", "AKIAOTHER", false)]
    public void Of_Users_ByDomainOrWhole(string one, string other, bool same) =>
        Assert.That(Of(Account() with { User = one }) == Of(Account() with { User = other }), Is.EqualTo(same));

    [Test]
    public void Of_Said_BeforeAllElseAndWithinTheProvider()
    {
        var one = Account() with { User = "a@x.example", ProviderTenant = "Big" };
        var other = Account() with { User = "b@y.example", ProviderTenant = "big" };
        Assert.That(Of(one), Is.EqualTo(Of(other)));
        Assert.That(ProviderTenants.Of(one, "google"), Is.Not.EqualTo(Of(one)));
    }

    [Test]
    public void Of_Tokens_ByDirectoryOrEndpointAndClient()
    {
        SmtpAccount With(OAuthLogin login) => Account() with { User = "a@x.example", OAuth = login };
        var directory = With(
            new()
            {
                Preset = OAuthPreset.Microsoft,
                TenantId = "contoso.example",
                ClientId = "1",
            }
        );
        Assert.That(
            Of(directory),
            Is.EqualTo(Of(directory with { User = "b@y.example", OAuth = directory.OAuth! with { ClientId = "2" } }))
        );
        var endpoint = With(new() { TokenUrl = new("https://login.example/token"), ClientId = "1" });
        Assert.That(Of(endpoint), Is.EqualTo(Of(endpoint with { User = "b@y.example" })));
        Assert.That(Of(endpoint), Is.Not.EqualTo(Of(endpoint with { OAuth = endpoint.OAuth! with { ClientId = "2" } })));
        var google = With(new() { Preset = OAuthPreset.Google, ServiceAccountKey = "{}" });
        Assert.That(Of(google), Is.Not.EqualTo(Of(google with { User = "b@y.example" })), "everybody asks there");
    }

    [Test]
    public void Of_NothingIsKnown_None()
    {
        Assert.That(Of(Account()), Is.Null);
        Assert.That(Of(Account() with { Sandbox = true, User = "a@x.example" }), Is.Null);
    }

    private static string? Of(SmtpAccount account) => ProviderTenants.Of(account, "microsoft365");

    private static SmtpAccount Account() =>
        new()
        {
            Key = new AccountKey(1),
            Tenant = "default",
            Id = "main",
            Version = 1,
            Host = "smtp.office365.com",
            Port = 587,
        };
}
