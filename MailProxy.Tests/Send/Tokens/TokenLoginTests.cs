using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send.Tokens;

/// <summary>Logging in with a token: what is said, what a refusal leads to, and what is never said.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class TokenLoginTests
{
    private readonly FakeTokenEndpoint _endpoint = new();

    [TestCase("XOAUTH2", "user=box@x.example\u0001auth=Bearer token-1\u0001\u0001")]
    [TestCase("OAUTHBEARER", "n,a=box@x.example,\u0001host=127.0.0.1\u0001port={port}\u0001auth=Bearer token-1\u0001\u0001")]
    [TestCase("PLAIN LOGIN OAUTHBEARER XOAUTH2", "user=box@x.example\u0001auth=Bearer token-1\u0001\u0001")]
    public async Task Login_WithAToken_SaysItOnce(string offered, string expected)
    {
        await using var server = Server(offered, static _ => "235 2.7.0 ok");
        await using var rig = new SendRig(FakeTokenEndpoint.Account(server.Port), tokens: _endpoint.Tokens);

        Assert.That(await rig.SendAsync(), Is.TypeOf<Outcome.Attempted>());
        var said = server.Lines.Single(static line => line.StartsWith("AUTH", StringComparison.Ordinal)).Split(' ')[2];
        Assert.That(
            Encoding.UTF8.GetString(Convert.FromBase64String(said)),
            Is.EqualTo(expected.Replace("{port}", $"{server.Port}", StringComparison.Ordinal))
        );
    }

    [TestCase("XOAUTH2", "")]
    [TestCase("OAUTHBEARER", "AQ==")]
    public async Task Login_TokenIsOld_IsRenewedOnceOnAConnectionOfItsOwn(string mechanism, string heard)
    {
        await using var server = Server(
            mechanism,
            line =>
                line == heard ? "535 5.7.8 no"
                : Text(line.Split(' ')[^1]).Contains("token-1", StringComparison.Ordinal) ? "334 eyJzdGF0dXMiOiI0MDEifQ=="
                : "235 ok"
        );
        var account = FakeTokenEndpoint.Account(server.Port);
        await _endpoint.TextAsync(account);
        await using var rig = new SendRig(account, tokens: _endpoint.Tokens);

        Assert.That(await rig.SendAsync(), Is.TypeOf<Outcome.Attempted>());
        Assert.That(server.Commands.Count(static one => one.Verb == "AUTH"), Is.EqualTo(2));
        Assert.That(server.Connections, Is.EqualTo(2), "no second AUTH on a connection");
        Assert.That(_endpoint.Forms, Has.Count.EqualTo(2));
    }

    [TestCase(OAuthPreset.Microsoft, false, "service principal", ".default", "Add-MailboxPermission", "SMTP AUTH", "admin consent")]
    [TestCase(OAuthPreset.Microsoft, true, "another mailbox", "SMTP AUTH", "organisation", "SMTP.Send", "consent to it is missing")]
    [TestCase(OAuthPreset.Google, false, "domain-wide delegation", "subject", "scope", "SMTP", "consent")]
    [TestCase(null, false, "scope", "mailbox", "application", "SMTP log-in", "consent")]
    public async Task Login_NewTokenRefused_BlamesTheAccountAndNamesTheCauses(OAuthPreset? preset, bool ofUser, params string[] words)
    {
        await using var server = Server("XOAUTH2", static _ => "535 5.7.3 Authentication unsuccessful");
        var account = FakeTokenEndpoint.Account(
            server.Port,
            new()
            {
                Preset = preset,
                TokenUrl = new("https://login.example"),
                ClientId = "c",
                ClientSecret = "s",
                RefreshToken = ofUser ? "r" : null,
            }
        );
        await using var rig = new SendRig(account, tokens: _endpoint.Tokens);

        var outcome = (Outcome.AccountToBlame)await rig.SendAsync();
        Assert.That((outcome.Trouble.Kind, outcome.Trouble.SmtpCode), Is.EqualTo((TroubleKind.Authentication, (int?)535)));
        Assert.That(outcome.Trouble.Explained, Does.StartWith("5.7.3 Authentication unsuccessful"));
        foreach (var word in words)
            Assert.That(outcome.Trouble.Explained, Does.Contain(word));
        Assert.That((server.Connections, _endpoint.Forms.Count), Is.EqualTo((1, 1)), "a new token is tried once");

        await rig.SendAsync(2);
        Assert.That((server.Connections, _endpoint.Forms.Count), Is.EqualTo((2, 2)), "and the next time with another");
    }

    [TestCase(2_000, true)]
    [TestCase(5_000, false)]
    public async Task Login_TokenTooLongForTheLine_IsSaidBehind334(int length, bool inOneLine)
    {
        _endpoint.Answer = (_, _) =>
            Task.FromResult(FakeTokenEndpoint.Json(200, $$"""{"access_token":"{{new string('t', length)}}","expires_in":3600}"""));
        await using var server = Server("XOAUTH2", static line => line == "AUTH XOAUTH2" ? "334 " : "235 ok");
        await using var rig = new SendRig(FakeTokenEndpoint.Account(server.Port), tokens: _endpoint.Tokens);

        Assert.That(await rig.SendAsync(), Is.TypeOf<Outcome.Attempted>());
        Assert.That(server.Lines.Contains("AUTH XOAUTH2"), Is.EqualTo(!inOneLine));
        Assert.That(
            server.Lines.Select(static line => Text(line.Split(' ')[^1])),
            Has.Some.Contains($"auth=Bearer {new string('t', length)}")
        );
    }

    [TestCase(SmtpSecurity.StartTlsWhenAvailable, false)]
    [TestCase(SmtpSecurity.None, true)]
    public async Task Login_WithoutTls_SaysTheTokenOnlyWhenTheAccountDoesWithout(SmtpSecurity security, bool isSaid)
    {
        await using var server = Server("XOAUTH2", static _ => "235 ok");
        await using var rig = new SendRig(FakeTokenEndpoint.Account(server.Port) with { Security = security }, tokens: _endpoint.Tokens);

        var outcome = await rig.SendAsync();
        Assert.That(outcome is Outcome.Attempted, Is.EqualTo(isSaid));
        Assert.That(server.Commands.Any(static one => one.Verb == "AUTH"), Is.EqualTo(isSaid));
        if (outcome is Outcome.AccountToBlame { Trouble: var trouble })
            Assert.That((trouble.Kind, trouble.Reply), Is.EqualTo((TroubleKind.Authentication, trouble.Reply)));
    }

    [TestCase("PLAIN LOGIN", "PLAIN, LOGIN")]
    [TestCase("", "no log-in")]
    public async Task Login_ServerTakesNoTokens_IsToldWithARemedy(string offered, string word)
    {
        await using var server = Server(offered, static _ => "235 ok");
        await using var rig = new SendRig(FakeTokenEndpoint.Account(server.Port), tokens: _endpoint.Tokens);
        var outcome = (Outcome.AccountToBlame)await rig.SendAsync();
        Assert.That(outcome.Trouble.Reply, Does.Contain(word).And.Contain("oauth2"));
    }

    [TestCase("250-odd\r\n250 AUTH PLAIN LOGIN", false)]
    [TestCase("250-odd\r\n250 AUTH PLAIN CRAM-MD5", true)]
    public async Task Password_WithoutTlsWhereTlsIsWanted_IsNeverShown(string hello, bool isLoggedIn)
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb switch
            {
                "EHLO" => hello,
                "AUTH" => "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",
                _ => null,
            }
        );
        var account = Sample.Account(server.Port, SmtpSecurity.StartTlsWhenAvailable) with { User = "u", Password = "p4ssw0rd" };
        await using var rig = new SendRig(account);

        var outcome = await rig.SendAsync();
        Assert.That(outcome is Outcome.Attempted, Is.EqualTo(isLoggedIn));
        Assert.That(server.Lines.Select(Text), Has.None.Contains("p4ssw0rd"));
        if (outcome is Outcome.AccountToBlame { Trouble: var trouble })
            Assert.That(trouble.Reply, Does.Contain("TLS").And.Contain("\"none\""));
    }

    private static ScriptedSmtpServer Server(string offered, Func<string, string> say) =>
        new(heard =>
            heard.Verb switch
            {
                "EHLO" => offered.Length > 0 ? $"250-odd\r\n250 AUTH {offered}" : "250 odd",
                "AUTH" or "SASL" => say(heard.Line),
                _ => null,
            }
        );

    private static string Text(string base64)
    {
        var octets = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, octets, out var length) ? Encoding.UTF8.GetString(octets, 0, length) : "";
    }
}
