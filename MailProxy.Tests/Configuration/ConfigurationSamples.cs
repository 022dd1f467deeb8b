using System.Net;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Tests.Configuration;

/// <summary>What tests of several stores put.</summary>
internal static class ConfigurationSamples
{
    public static readonly TenantKey Shop = new()
    {
        Tenant = "acme",
        Id = "k1",
        Name = "Shop & Co",
        Hash = TenantKey.HashOf("the-key"),
        Scopes = KeyScopes.Send | KeyScopes.Manage,
        CreatedAt = 1_000,
        ExpiresAt = 2_000,
        AllowedNetworks = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("2001:db8::/32")],
    };

    public static readonly Tenant Acme = new()
    {
        Id = "acme",
        Name = "Acme & Söhne",
        DefaultAccount = "main",
        Active = false,
        Retain = Retention.Parse("7d"),
        Limits = new(PerHour: 500, Burst: 5, PerSecond: 2, Count: LimitCount.Messages, WhenReached: LimitReached.Fail),
        ExpiresAfter = TimeSpan.FromHours(36),
        Retry = new([0.5, 10]),
        LargeFiles = new(5_000_000_000, LargeFileAction.Link, "files", 14),
        AttachmentEndpoint = new(new("https://files.example.com/base?x=1"), new SourceAuth.Basic("ann", "hunter2")),
    };
}
