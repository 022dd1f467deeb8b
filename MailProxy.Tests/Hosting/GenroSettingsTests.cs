using System.Collections;
using MailProxy.Daemon.Hosting;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

/// <summary>Versions as a text and as a list, variables of genro-mail-proxy, and settings that go together only.</summary>
[TestFixture]
internal sealed class GenroSettingsTests
{
    private TempDirectory _directory = null!;

    [SetUp]
    public void SetUp() => _directory = new();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [TestCase("A")]
    [TestCase("b")]
    [TestCase("B,A,C")]
    [TestCase("C, A")]
    public void Routes_AsAText_AreTaken(string text)
    {
        var (settings, mistakes) = Read("{}", ("MAILPROXY_GENRO__ROUTES", text));
        Assert.That(mistakes, Is.Empty);
        Assert.That(settings!.Genro.Routes, Is.EqualTo(text));
    }

    [Test]
    public void Routes_AsAList_AreTheSameAsAText()
    {
        var (settings, mistakes) = Read("""{"Genro":{"Routes":["B","A","C"]}}""");
        Assert.That((mistakes.Count, settings!.Genro.Routes), Is.EqualTo((0, "B,A,C")));
        (settings, _) = Read("{}", ("MAILPROXY_GENRO__ROUTES__0", "A"), ("MAILPROXY_GENRO__ROUTES__1", "C"));
        Assert.That(settings!.Genro.Routes, Is.EqualTo("A,C"));
        (settings, _) = Read("""{"Genro":{"Routes":["B","A","C"]}}""", ("MAILPROXY_GENRO__ROUTES__0", "C"));
        Assert.That(settings!.Genro.Routes, Is.EqualTo("C"), "a later place says all of it");
    }

    [TestCase("D")]
    [TestCase("AB")]
    [TestCase(",")]
    [TestCase("A;C;x")]
    public void Routes_OfNoVersion_AreAMistake(string text)
    {
        var (settings, mistakes) = Read("{}", ("MAILPROXY_GENRO__ROUTES", text));
        Assert.That(settings, Is.Null);
        Assert.That(
            mistakes,
            Is.EqualTo(new[] { "Genro:Routes (MAILPROXY_GENRO__ROUTES): must be A, B or C, or several of them with commas between." })
        );
    }

    [Test]
    public void Variables_OfTheOriginal_CountWhereNothingElseIsSaid()
    {
        (string, string)[] theirs =
        [
            ("GMP_API_TOKEN", "token"),
            ("GMP_CLIENT_SYNC_URL", "http://app.example.com/sync"),
            ("GMP_CLIENT_SYNC_USER", "u"),
            ("GMP_CLIENT_SYNC_PASSWORD", "p"),
            ("GMP_CLIENT_SYNC_TOKEN", ""),
        ];
        (string, string)[] on = [("MAILPROXY_GENRO__ENABLED", "true"), ("MAILPROXY_GENRO__DEFAULTTENANT", "first")];
        var (settings, mistakes) = Read("{}", [.. theirs, .. on, ("MAILPROXY_GENRO__ROUTES", "A")]);
        Assert.That(mistakes, Is.Empty);
        var genro = settings!.Genro;
        Assert.That(
            (genro.AdminToken, genro.SyncUrl, genro.SyncUser, genro.SyncPassword, genro.SyncToken),
            Is.EqualTo(("token", "http://app.example.com/sync", "u", "p", (string?)null))
        );
        (settings, _) = Read("{}", [.. theirs, .. on, ("MAILPROXY_GENRO__ADMINTOKEN", "own")]);
        Assert.That((settings!.Genro.AdminToken, settings.Genro.SyncUrl), Is.EqualTo(("own", (string?)null)), "version B has no such URL");
        (settings, _) = Read("{}", theirs);
        Assert.That(settings!.Genro.AdminToken, Is.Null, "its clients are not served");
    }

    [TestCase("B", "first", "http://a.example/", "Genro:SyncUrl: only with version A in Genro:Routes")]
    [TestCase("A", "", "http://a.example/", "Genro:SyncUrl: only together with Genro:DefaultTenant")]
    [TestCase("A", "first", "ftp://a.example/", "Genro:SyncUrl: A URL begins with http")]
    public void SyncUrl_ThatGoesNowhere_IsAMistake(string routes, string tenant, string url, string mistake)
    {
        var (settings, mistakes) = Read(
            "{}",
            ("MAILPROXY_GENRO__ENABLED", "true"),
            ("MAILPROXY_GENRO__ROUTES", routes),
            ("MAILPROXY_GENRO__DEFAULTTENANT", tenant),
            ("MAILPROXY_GENRO__SYNCURL", url)
        );
        Assert.That(settings, Is.Null);
        Assert.That(mistakes.Single(), Does.StartWith(mistake));
    }

    private (DaemonSettings? Settings, IReadOnlyList<string> Mistakes) Read(
        string shipped,
        params (string Name, string Value)[] environment
    )
    {
        File.WriteAllText(Path.Combine(_directory, "appsettings.json"), shipped);
        IDictionary variables = environment.ToDictionary(v => v.Name, v => v.Value);
        return SettingsReader.Read([], _directory, Path.Combine(_directory, "none.json"), variables);
    }
}
