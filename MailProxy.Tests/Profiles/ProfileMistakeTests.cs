using MailProxy.Pipeline.Profiles;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Profiles;

/// <summary>What an operator's directory of profiles can be, and what is said of its mistakes.</summary>
internal sealed class ProfileMistakeTests
{
    private const string Good = """{"name":"r","code":451,"text":"busy","scope":"account","action":"slow","per_minute":10}""";

    private TempDirectory _directory = null!;

    [SetUp]
    public void SetUp() => _directory = new();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [TestCase("""{"name":"r","code":451,"scope":"account","action":"slow","per_minute":1}""", "", "needs enhanced or text")]
    [TestCase("""{"code":451,"text":"x","scope":"account","action":"slow","per_minute":1}""", "/name", "is missing")]
    [TestCase("""{"name":"A b","code":451,"text":"x","scope":"account","action":"slow","per_minute":1}""", "/name", "small letters")]
    [TestCase("""{"name":"r","text":"x","scope":"account","action":"slow","per_minute":1}""", "/code", "is missing")]
    [TestCase("""{"name":"r","code":250,"text":"x","scope":"account","action":"slow","per_minute":1}""", "/code", "400 to 599")]
    [TestCase("""{"name":"r","code":[451,"6xx"],"text":"x","scope":"account","action":"slow","per_minute":1}""", "/code/1", "400 to 599")]
    [TestCase("""{"name":"r","code":451,"text":"(","scope":"account","action":"slow","per_minute":1}""", "/text", "no regular expression")]
    [TestCase("""{"name":"r","code":451,"text":"(?=a)b","scope":"account","action":"slow","per_minute":1}""", "/text", "backtracking")]
    [TestCase("""{"name":"r","code":451,"text":"(a)\\1","scope":"account","action":"slow","per_minute":1}""", "/text", "backtracking")]
    [TestCase("""{"name":"r","code":451,"text":"a*","scope":"account","action":"slow","per_minute":1}""", "/text", "every text")]
    [TestCase(
        """{"name":"r","code":451,"text":"((a{50}){50}){50}","scope":"account","action":"slow","per_minute":1}""",
        "/text",
        "too much"
    )]
    [TestCase(
        """{"name":"r","code":451,"enhanced":"7.1","scope":"account","action":"slow","per_minute":1}""",
        "/enhanced",
        "enhanced code"
    )]
    [TestCase("""{"name":"r","code":451,"text":"x","phase":"helo","scope":"account","action":"slow","per_minute":1}""", "/phase", "ehlo")]
    [TestCase("""{"name":"r","code":451,"text":"x","scope":"world","action":"slow","per_minute":1}""", "/scope", "recipient, message")]
    [TestCase("""{"name":"r","code":451,"text":"x","scope":"account","action":"fail"}""", "/action", "slow, close, open")]
    [TestCase("""{"name":"r","code":451,"text":"x","scope":"account","action":"slow"}""", "", "not how")]
    [TestCase("""{"name":"r","code":451,"text":"x","scope":"account","action":"close"}""", "/for", "is missing")]
    [TestCase("""{"name":"r","code":451,"text":"x","scope":"account","action":"close","for":"90"}""", "/for", "\"1s\"")]
    [TestCase("""{"name":"r","code":451,"text":"x","scope":"account","action":"close","for":"0s"}""", "/for", "\"1s\"")]
    [TestCase("""{"name":"r","code":451,"text":"x","scope":"account","action":"close","for":"31d"}""", "/for", "\"30d\"")]
    [TestCase("""{"name":"r","code":451,"text":"x","scope":"account","action":"close","for":"1h","wait":["1s","25h"]}""", "/wait/1", "1d")]
    [TestCase(
        """{"name":"r","code":451,"text":"x","scope":"account","action":"close","for":"1h","circuit":"tls"}""",
        "/circuit",
        "leave it out"
    )]
    [TestCase("""{"name":"r","code":451,"text":"x","scope":"account","action":"open","remedy":"y"}""", "/circuit", "is missing")]
    [TestCase("""{"name":"r","code":451,"text":"x","scope":"account","action":"open","circuit":"tls"}""", "/remedy", "is missing")]
    [TestCase("""{"name":"r","code":451,"text":"x","scope":"account","action":"slow","per_minute":1,"times":3}""", "/within", "together")]
    [TestCase(
        """{"name":"r","code":451,"text":"x","scope":"recipient","action":"retry","times":3,"within":"1h"}""",
        "/times",
        "no meaning"
    )]
    [TestCase("""{"name":"r","code":451,"text":"x","scope":"account","action":"slow","rate_factor":1.5}""", "/rate_factor", "0.01 to 0.99")]
    [TestCase(
        """{"name":"r","code":451,"text":"x","scope":"account","action":"slow","per_minute":1,"colour":"red"}""",
        "/colour",
        "unknown"
    )]
    public void Load_RuleWithAMistake_SaysWhereAndWhatToWrite(string rule, string pointer, string said)
    {
        Write(
            "mine.json",
            $$"""{"hosts":["mx.example.com"],"rules":[{{Good.Replace("\"r\"", "\"first\"", StringComparison.Ordinal)}},{{rule}}]}"""
        );

        var (set, mistakes) = ProfileSet.Load(_directory.Path);

        Assert.That(set, Is.Null);
        Assert.That(mistakes, Has.Count.EqualTo(1));
        Assert.That(mistakes[0], Does.StartWith($"mine.json /rules/1{pointer}: ").And.Contain(said));
    }

    [TestCase("mine.json", """{"rules":[]}""", "mine.json /hosts: ")]
    [TestCase("mine.json", """{"hosts":["Mail.Example.com"]}""", "mine.json /hosts/0: ")]
    [TestCase("mine.json", """{"hosts":[]}""", "mine.json /hosts: ")]
    [TestCase("mine.json", """{"hosts":["a.example"],"without":["x"]}""", "mine.json /without: ")]
    [TestCase("mine.json", """{"hosts":["a.example"],"extends":"nobody"}""", "mine.json /extends: no profile has the name \"nobody\"")]
    [TestCase("mine.json", """{"extends":"google"}""", "mine.json /hosts: is missing")]
    [TestCase("mine.json", """{"hosts":["smtp.gmail.com"]}""", "mine.json /hosts: \"smtp.gmail.com\" stands in")]
    [TestCase("google.json", """{"extends":"google","without":["x"]}""", "google.json /without: the profile google has no rule \"x\"")]
    [TestCase("mine.json", """{"hosts":["a.example"],"advice":{"connections":0}}""", "mine.json /advice/connections: ")]
    [TestCase("mine.json", """{"hosts":["a.example"],"hosts":["b.example"]}""", "mine.json: is no JSON: ")]
    [TestCase("mine.json", "[]", "mine.json: must be an object")]
    [TestCase("mine.json", "{", "mine.json: is no JSON: ")]
    [TestCase("mine.json", "", "mine.json: is no JSON: ")]
    [TestCase("My Own.json", """{"hosts":["a.example"]}""", "My Own.json: the file's name is the profile's")]
    public void Load_ProfileWithAMistake_SaysWhereAndWhatToWrite(string file, string json, string said)
    {
        Write(file, json);

        var (set, mistakes) = ProfileSet.Load(_directory.Path);

        Assert.That(set, Is.Null);
        Assert.That(mistakes, Has.Count.EqualTo(1));
        Assert.That(mistakes[0], Does.StartWith(said));
    }

    [Test]
    public void Load_SeveralMistakesInSeveralFiles_SaysAllAtOnce()
    {
        Write("a.json", """{"hosts":["a.example"],"rules":[{"name":"x","code":1,"scope":"y","action":"z"},7]}""");
        Write("b.json", """{"extends":"c","hosts":["b.example"]}""");
        Write("c.json", """{"extends":"b","hosts":["c.example"]}""");

        var (set, mistakes) = ProfileSet.Load(_directory.Path);

        Assert.That(set, Is.Null);
        Assert.That(mistakes, Has.Count.EqualTo(6), string.Join('\n', mistakes));
        Assert.That(mistakes[^1], Does.Contain("in a circle"));
    }

    [Test]
    public void Load_DirectoryThatIsNotThere_IsAMistake()
    {
        var (set, mistakes) = ProfileSet.Load(Path.Combine(_directory.Path, "absent"));
        Assert.That((set, mistakes.Count), Is.EqualTo(((ProfileSet?)null, 1)));
        Assert.That(mistakes[0], Does.Contain("cannot be read").And.Contain("clear the setting"));
    }

    [Test]
    public void Load_AFileTooLarge_IsAMistake()
    {
        Write("mine.json", new string(' ', 1024 * 1024 + 1));
        Assert.That(ProfileSet.Load(_directory.Path).Mistakes.Single(), Does.StartWith("mine.json: has 1048577 bytes"));
    }

    [TestCase(null)]
    [TestCase("")]
    public void Load_NoDirectory_IsTheShippedProfiles(string? directory) =>
        Assert.That(ProfileSet.Load(directory), Is.EqualTo((ProfileSet.Shipped, Array.Empty<string>())));

    [Test]
    public void Load_ProfileThatExtendsTheShippedOne_AddsReplacesAndLeavesOut()
    {
        Write(
            "google.json",
            """
            {
              // An operator may say why.
              "extends": "google",
              "without": ["relay-peak"],
              "rules": [
                { "name": "daily-limit", "code": 550, "text": "daily user sending", "scope": "account", "action": "close", "for": "2h" },
                { "name": "own", "code": 450, "text": "ours", "scope": "recipient", "action": "retry" },
              ],
            }
            """
        );

        var profile = ProfileSet.Load(_directory.Path).Set!.For("smtp.gmail.com");

        Assert.That(profile.Judge(ReplyPhase.Recipient, 450, "4.2.1 Peak SMTP relay limit exceeded"), Is.Null);
        Assert.That(profile.Judge(ReplyPhase.Recipient, 450, "this is ours")?.FullName, Is.EqualTo("google/own"));
        Assert.That(
            profile.Judge(ReplyPhase.Final, 550, "5.4.5 Daily user sending limit exceeded")?.Lasts,
            Is.EqualTo(TimeSpan.FromHours(2))
        );
        Assert.That(profile.Rules.Select(static rule => rule.Name), Does.Contain("credentials"));
        Assert.That(profile.Advice.Connections, Is.EqualTo(5));
    }

    [Test]
    public void Load_ProfileOfTheSameNameAlone_ReplacesTheShippedOne()
    {
        Write("google.json", $$"""{"hosts":["smtp.gmail.com"],"rules":[{{Good}}]}""");
        var set = ProfileSet.Load(_directory.Path).Set!;
        Assert.That(set.For("smtp.gmail.com").Rules.Select(static rule => rule.FullName), Is.EqualTo(new[] { "google/r" }));

        // What extends it has its new rules.
        Assert.That(set.For("aspmx.l.google.com").Rules.Select(static rule => rule.Name), Is.EqualTo(new[] { "low-reputation", "r" }));
    }

    private void Write(string name, string json) => File.WriteAllText(Path.Combine(_directory.Path, name), json);
}
