using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

/// <summary>What concerns several members of an account.</summary>
internal sealed class AccountFieldsTests
{
    private const string Relay = """{"host":"one.example","port":25,"security":"none"}""";

    private static readonly Noun<SmtpAccount> Noun = AccountFields.Noun;

    private static (SmtpAccount Account, IReadOnlyList<string> Mistakes) Bind(string json, SmtpAccount? before = null, bool byAdmin = true)
    {
        using var document = JsonDocument.Parse(json);
        var members = new MemberReader(document.RootElement, byAdmin);
        var account = Noun.Fields.Bind(members, Noun.New("acme", "one"), before);
        return (account, [.. members.Errors.Select(static mistake => $"{mistake.Pointer} {mistake.Code}")]);
    }

    private static string Signed(string domain, string selector, string? key)
    {
        var body = JsonNode.Parse(Relay)!.AsObject();
        body["dkim"] = new JsonObject { ["domain"] = domain, ["selector"] = selector };
        if (key is not null)
            body["dkim"]!["private_key"] = key;
        return body.ToJsonString();
    }

    [Test]
    public void Dkim_NamesChangeAndTheKeyIsKept_SignsUnderTheNewNames()
    {
        using var rsa = RSA.Create(2048);
        var pem = rsa.ExportPkcs8PrivateKeyPem();
        var (before, none) = Bind(Signed("one.example", "s1", pem));
        var (after, mistakes) = Bind(Signed("bücher.example", "s2", null), before);
        Assert.That(none.Concat(mistakes), Is.Empty);
        Assert.That(after.Dkim!.PrivateKey, Is.EqualTo(pem));
        Assert.That((after.Dkim.SigningDomain, after.Dkim.SigningSelector), Is.EqualTo(("xn--bcher-kva.example", "s2")));

        var read = Noun.Secrets.Aggregate(
            Noun.Fields.Read(JsonSerializer.SerializeToElement(Noun.Fields.Keep(after)), Noun.New("acme", "one")),
            (account, secret) => secret.Set(account, secret.Get(after))
        );
        Assert.That(read.Dkim, Is.EqualTo(after.Dkim));
    }

    [Test]
    public void Dkim_KeyIsNone_IsToldOnceAtTheKey()
    {
        Assert.That(Bind(Signed("one.example", "s1", "no pem")).Mistakes, Is.EqualTo(["/dkim/private_key invalid_key"]));
        Assert.That(Bind(Signed("one.example", "s1", new('x', 20_000))).Mistakes, Is.EqualTo(["/dkim/private_key too_long"]));
        Assert.That(Bind(Signed("one.example", "s1", null)).Mistakes, Is.EqualTo(["/dkim/private_key required"]));
    }

    [Test]
    public void Mistakes_OfManyMembers_ComeInTheOrderOfTheFields()
    {
        var (_, mistakes) = Bind(
            """
            {"surprise":1,"description":1,"auth":{"pass":1,"oauth2":{},"password":""},"max_recipients":0,"host":"a b","id":"two",
             "limits":{"burst":1},"port":0}
            """
        );
        Assert.That(
            mistakes,
            Is.EqualTo([
                "/id mismatch",
                "/host invalid_host",
                "/port out_of_range",
                "/security required",
                "/auth/user required",
                "/auth/oauth2/token_url required",
                "/auth/oauth2/client_id required",
                "/auth/oauth2/client_secret required",
                "/auth/password conflict",
                "/auth/pass unknown_field",
                "/limits/burst needs_limit",
                "/max_recipients out_of_range",
                "/description invalid_type",
                "/surprise unknown_field",
            ])
        );
    }

    [TestCase("""{"host":"one.example","port":25,"security":"none"}""", false, false, true)]
    [TestCase("""{"host":"one.example","port":25,"security":"none"}""", true, false, false)]
    [TestCase("""{"host":"ONE.example","port":25,"security":"tls"}""", false, true, false)]
    [TestCase("""{"host":"one.example","port":26,"security":"none"}""", false, true, true)]
    [TestCase("""{"sandbox":true}""", false, false, false)]
    public void ByTenant_IsWhoNamedTheServer(string body, bool byAdmin, bool adminSetItBefore, bool expected)
    {
        var before = adminSetItBefore ? Bind(Relay).Account : null;
        var (account, mistakes) = Bind(body, before, byAdmin);
        Assert.That(mistakes, Is.Empty);
        Assert.That(account.ByTenant, Is.EqualTo(expected));
    }

    [Test]
    public void ByTenant_SetByATenantAndPutBySameTenant_StaysSo()
    {
        var before = Bind(Relay, byAdmin: false).Account;
        Assert.That(Bind(Relay, before, byAdmin: false).Account.ByTenant, Is.True);
        Assert.That(Bind(Relay, before, byAdmin: true).Account.ByTenant, Is.False);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Paused_InARequest_IsNotTakenButKept(bool paused)
    {
        var before = Bind(Relay).Account with { Paused = paused };
        var (account, mistakes) = Bind(Relay.Replace("}", $$""","paused":{{(paused ? "false" : "true")}}}"""), before);
        Assert.That(mistakes, Is.Empty);
        Assert.That(account.Paused, Is.EqualTo(paused));
    }

    [Test]
    public void Stamp_IsTheStoresNumberAndVersion()
    {
        var account = Noun.Stamp(Bind(Relay).Account, 7, 1L << 40);
        Assert.That((account.Key.Number, account.Version), Is.EqualTo((7, 1L << 40)));
    }
}
