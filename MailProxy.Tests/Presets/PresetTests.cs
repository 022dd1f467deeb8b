using System.Net;
using System.Net.Http.Json;
using MailProxy.Daemon.Presets;
using MailProxy.Pipeline.Profiles;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Presets;

/// <summary>Presets: what they ask, what account comes of it, what trouble means.</summary>
[TestFixture]
internal sealed class PresetTests
{
    /// <summary>Answers to each preset as a person gives them.</summary>
    private static readonly Dictionary<string, Dictionary<string, string>> Answers = new()
    {
        ["gmail"] = new() { ["address"] = "you@example.com", ["password"] = "abcd efgh ijkl mnop" },
        ["microsoft"] = new()
        {
            ["address"] = "noreply@example.com",
            ["directory"] = "example.onmicrosoft.com",
            ["client-id"] = "11111111-2222-3333-4444-555555555555",
            ["password"] = "the~secret",
            ["secret-expires"] = "2028-11-01",
        },
        ["ses"] = new()
        {
            ["region"] = "eu-central-1",
            ["user"] = "AKIAEXAMPLEEXAMPLE00",
            ["password"] = "p",
            ["from"] = "@example.com",
        },
        ["sendgrid"] = new()
        {
            ["password"] = "SG.x",
            ["from"] = "@example.com",
            ["region"] = "eu",
        },
        ["mailgun"] = new() { ["user"] = "postmaster@mg.example.com", ["password"] = "p" },
        ["postmark"] = new() { ["password"] = "00000000-0000-0000-0000-000000000000", ["from"] = "a@example.com" },
        ["brevo"] = new()
        {
            ["user"] = "you@example.com",
            ["password"] = "xsmtpsib-x",
            ["from"] = "@example.com",
        },
        ["generic"] = new()
        {
            ["host"] = "smtp.example.com",
            ["port"] = "465",
            ["user"] = "u",
            ["password"] = "p",
        },
    };

    private static readonly string[] Ids = [.. Answers.Keys];

    [Test]
    public void Catalog_HasThesePresets() => Assert.That(PresetCatalog.All.Select(static preset => preset.Id), Is.EqualTo(Ids));

    [TestCaseSource(nameof(Ids))]
    public async Task Account_OfAPreset_IsTakenByTheDaemon(string id)
    {
        var (account, mistakes) = PresetAnswer.Bind(PresetCatalog.Find(id)!, Answers[id]);
        Assert.That(mistakes, Is.Empty);
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory);
        using var answer = await daemon.Http.PutAsJsonAsync($"/v1/accounts/{id}", account);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created), await answer.Content.ReadAsStringAsync());
        await daemon.StopAsync();
    }

    [TestCaseSource(nameof(Ids))]
    public void Account_OfAPreset_KeepsToTheAdviceOfItsProfile(string id)
    {
        var account = PresetAnswer.Bind(PresetCatalog.Find(id)!, Answers[id]).Account!;
        var advice = ProfileSet.Shipped.For((string?)account["host"]).Advice;
        if (id == "generic")
            return;
        Assert.That((int?)account["max_connections"] ?? 8, Is.AtMost(advice.Connections ?? 8));
        Assert.That((int?)account["max_messages_per_connection"] ?? 100, Is.AtMost(advice.MessagesPerConnection ?? 100));
        Assert.That((int?)account["limits"]?["per_minute"] ?? 0, Is.AtMost(advice.PerMinute ?? int.MaxValue));
        Assert.That((int?)account["limits"]?["per_day"] ?? 0, Is.AtMost(advice.RecipientsPerDay ?? int.MaxValue));
        Assert.That(PresetAnswer.OfHost((string?)account["host"])!.Id, Is.EqualTo(id));
    }

    [TestCase("gmail", "password", "my password", "16 small letters")]
    [TestCase("gmail", "address", "you", "not a mail address")]
    [TestCase("microsoft", "password", "11111111-2222-3333-4444-555555555555", "its Value is needed")]
    [TestCase("microsoft", "client-id", "x", "32 hexadecimal digits")]
    [TestCase("ses", "region", "Frankfurt", "not a region")]
    [TestCase("sendgrid", "password", "key", "begins with SG.")]
    [TestCase("brevo", "password", "xkeysib-1", "xsmtpsib-")]
    [TestCase("generic", "host", "http://x", "without http://")]
    [TestCase("generic", "security", "ssl", "one of starttls, tls")]
    [TestCase("mailgun", "region", "asia", "one of us, eu")]
    [TestCase("postmark", "from", "", "it is missing")]
    public void Value_Wrong_IsSaidInWords(string id, string field, string value, string says)
    {
        var (account, mistakes) = PresetAnswer.Bind(
            PresetCatalog.Find(id)!,
            new Dictionary<string, string>(Answers[id]) { [field] = value }
        );
        Assert.That(account, Is.Null);
        Assert.That(mistakes[field], Does.Contain(says));
    }

    [Test]
    public void Gmail_FreeAndOfAWorkspace_HaveTheirLimits()
    {
        static int? PerDay(string address) =>
            (int?)
                PresetAnswer
                    .Bind(PresetCatalog.Find("gmail")!, new Dictionary<string, string>(Answers["gmail"]) { ["address"] = address })
                    .Account!["limits"]!["per_day"];
        Assert.That((PerDay("a@gmail.com"), PerDay("a@example.com")), Is.EqualTo((500, 2_000)));
    }

    [TestCase("gmail", "authenticate", 534, "5.7.9 Application-specific password required", "Google wants an app password")]
    [TestCase("gmail", "authenticate", 535, "5.7.8 no", "Google does not accept address and app password")]
    [TestCase("microsoft", "authenticate", 535, "5.7.139 SmtpClientAuthentication is disabled", "Authenticated SMTP is switched off")]
    [TestCase("microsoft", "authenticate", 535, "5.7.3 Authentication unsuccessful", "the mailbox does not accept it")]
    [TestCase("microsoft", "authenticate", null, "AADSTS7000215: Invalid client secret provided.", "does not accept the client secret")]
    [TestCase("ses", "authenticate", 535, "Authentication Credentials Invalid", "in this region")]
    [TestCase("sendgrid", "authenticate", 451, "Maximum credits exceeded", "The credits of the plan are used up")]
    [TestCase("brevo", "authenticate", 525, "5.7.1 Unauthorized IP address", "address of this machine")]
    [TestCase("postmark", "connect", null, "No connection: timed out", "cannot be reached from this machine")]
    [TestCase(null, "tls", null, "The certificate is not valid", "certificate is not accepted")]
    [TestCase(null, "tls", null, "The server does not offer STARTTLS", "cannot be protected")]
    [TestCase(null, "greeting", 554, "no", "turned us away")]
    public void Trouble_OfATest_IsExplained(string? id, string stage, int? code, string error, string means)
    {
        var trouble = PresetAnswer.Explain(id is null ? null : PresetCatalog.Find(id), stage, code, error)!;
        Assert.That(trouble.Means, Does.Contain(means));
        Assert.That(trouble.Steps, Is.Not.Empty);
    }

    [TestCaseSource(nameof(Ids))]
    public void Preset_Each_AsksForNoMoreThanOneSecret(string id)
    {
        var preset = PresetCatalog.Find(id)!;
        Assert.That(preset.Fields.Count(static field => field.IsSecret), Is.EqualTo(1));
        Assert.That(preset.Fields.Select(static field => field.Name), Is.Unique);
        Assert.That(preset.Before, Is.Not.Empty);
    }
}
