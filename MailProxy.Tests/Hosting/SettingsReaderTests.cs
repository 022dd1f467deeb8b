using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

[TestFixture]
internal sealed class SettingsReaderTests
{
    private const string Secret = "kept-out-of-sight-0123456789";

    private const string NotItsOwn =
        "Send:MailKeyHeader (--Send:MailKeyHeader): must not be a header that mail has a meaning for: "
        + "choose a name of its own, such as X-Mail-Key.";

    private TempDirectory _directory = null!;

    private string Shipped => Path.Combine(_directory, "appsettings.json");

    private string Installed => Path.Combine(_directory, "installed.json");

    [SetUp]
    public void SetUp() => _directory = new();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [Test]
    public void Read_Nothing_IsTheDefaults()
    {
        var (settings, _) = Read();
        Assert.That((settings!.Urls, settings.Data, settings.AdminKey), Is.EqualTo(("http://127.0.0.1:8000", "./data", (string?)null)));
    }

    [Test]
    public void Read_DirectoryOfProfilesWithMistakes_TellsThemAllBesideTheOthers()
    {
        var profiles = Path.Combine(_directory, "profiles");
        Directory.CreateDirectory(profiles);
        File.WriteAllText(Path.Combine(profiles, "mine.json"), """{"hosts":["a.example"],"rules":[{"name":"r","code":451}]}""");
        var (settings, mistakes) = Read("{}", "{}", [("MAILPROXY_VERDICTS__DIRECTORY", profiles)], "--Limits:Burst=1");
        Assert.That(settings, Is.Null);
        Assert.That(mistakes, Has.Count.EqualTo(4));
        Assert.That(mistakes[0], Does.StartWith("Limits:Burst: "));
        Assert.That(mistakes.Skip(1), Has.All.StartsWith("Verdicts:Directory: mine.json /rules/0"));
    }

    [Test]
    public void Read_SameSettingEverywhere_LaterPlacesWin()
    {
        var shipped = """{"Ingest":{"MaxTags":1,"MaxMessages":1,"MaxRecipients":1,"MaxTagLength":1}}""";
        var installed = """{"Ingest":{"MaxTags":2,"MaxMessages":2,"MaxRecipients":2}}""";
        var (settings, mistakes) = Read(
            shipped,
            installed,
            [("MAILPROXY_INGEST__MAXTAGS", "3"), ("MAILPROXY_INGEST__MAXMESSAGES", "3")],
            "--Ingest:MaxTags=4"
        );

        Assert.That(mistakes, Is.Empty);
        var ingest = settings!.Engine.Ingest;
        Assert.That((ingest.MaxTagLength, ingest.MaxRecipients, ingest.MaxMessages, ingest.MaxTags), Is.EqualTo((1, 2, 3, 4)));
    }

    [Test]
    public void Read_FormerNames_AreThePresentSettings()
    {
        var (settings, mistakes) = Read(
            "{}",
            """{"Ingest":{"DoorCapacity":7,"DoorWait":"00:00:03"}}""",
            [("MAILPROXY_INGEST__DOORBYTES", "4096")]
        );
        Assert.That(mistakes, Is.Empty);
        var ingest = settings!.Engine.Ingest;
        Assert.That((ingest.ChannelCapacity, ingest.RequestBytes, ingest.RequestWait), Is.EqualTo((7, 4096L, TimeSpan.FromSeconds(3))));
    }

    [TestCaseSource(typeof(FormerSettings), nameof(FormerSettings.All))]
    public void FormerNames_AreOfSettingsThatExist(KeyValuePair<string, string> name)
    {
        var (group, member) = (name.Value.Split(':')[0], name.Value.Split(':')[1]);
        Assert.That(typeof(PipelineOptions).GetProperty(group)?.PropertyType.GetProperty(member), Is.Not.Null);
    }

    [Test]
    public void Read_ShortNames_AreTheTopLevelSettings()
    {
        var (settings, _) = Read(
            "{}",
            "{}",
            [
                ("MAILPROXY_DATA", "/d"),
                ("MAILPROXY_ADMIN_KEY", Secret),
                ("MAILPROXY_MASTER_KEY", "m"),
                ("MAILPROXY_URLS", "http://127.0.0.1:1"),
            ]
        );
        Assert.That(
            (settings!.Data, settings.AdminKey, settings.MasterKey, settings.Urls),
            Is.EqualTo(("/d", Secret, "m", "http://127.0.0.1:1"))
        );
    }

    [TestCase("MAILPROXY_URL")]
    [TestCase("MAILPROXY_KEY")]
    [TestCase("MAILPROXYDATA")]
    [TestCase("PATH")]
    public void Read_VariablesThatAreNotOurs_AreLeftAlone(string name) => Assert.That(Read("{}", "{}", [(name, "x")]).Mistakes, Is.Empty);

    [Test]
    public void Read_SpaceInsteadOfEquals_IsTheSame() =>
        Assert.That(Read("--urls", "http://127.0.0.1:1").Settings!.Urls, Is.EqualTo("http://127.0.0.1:1"));

    [Test]
    public void Read_List_IsBound() =>
        Assert.That(
            Read(
                "{}",
                "{}",
                [("MAILPROXY_NETWORK__ALLOWED__0", "10.0.0.0/8"), ("MAILPROXY_NETWORK__ALLOWED__1", "::1")]
            ).Settings!.Network.Allowed,
            Is.EqualTo(new[] { "10.0.0.0/8", "::1" })
        );

    [Test]
    public void Read_ManyMistakes_AllAreToldByTheirProperName()
    {
        var (settings, mistakes) = Read(
            "{\"Nosuch\":1,\n\"Ingest\":{\"MaxMesages\":3}}",
            """{"Sandbox":"on"}""",
            [("MAILPROXY_SEND__WORKERS", "abc"), ("MAILPROXY_SEND__TIMEOUTS__MAIL", "never"), ("MAILPROXY_LIMITS__PERSECOND", "-5")],
            "--log:format=xml",
            "stray",
            "--Data"
        );

        Assert.That(settings, Is.Null);
        Assert.That(
            mistakes,
            Is.EquivalentTo(
                new[]
                {
                    "argument 2: a setting is written --Name=value or --Name value.",
                    "--Data: has no value.",
                    $"Nosuch ({Shipped}, line 1): unknown setting.",
                    $"Ingest:MaxMesages ({Shipped}, line 2): unknown setting.",
                    $"Sandbox ({Installed}, line 1): is a group of settings, not one value.",
                    "Send:Workers (MAILPROXY_SEND__WORKERS): 'abc' is not a number in range.",
                    "Send:Timeouts:Mail (MAILPROXY_SEND__TIMEOUTS__MAIL): 'never' is not a time: write hh:mm:ss (the hours may "
                        + "be more than 23) or d.hh:mm:ss.",
                    "Limits:PerSecond (MAILPROXY_LIMITS__PERSECOND): must be from 1 to 1000000000.",
                    "Log:Format (--log:format): must be one of console, json.",
                }
            )
        );
    }

    [Test]
    public void Read_GlobalLimit_IsNotEveryAccountsToo()
    {
        var (settings, _) = Read("--Limits:PerSecond=5");
        Assert.That((settings!.Engine.Limits.PerSecond, AccountLimits.None.PerSecond), Is.EqualTo(((int?)5, (int?)null)));
    }

    [TestCase("--Limits:Count=bananas", "Limits:Count (--Limits:Count): 'bananas' is not one of Recipients, Messages.")]
    [TestCase("--Limits:Count=7", "Limits:Count (--Limits:Count): '7' is not one of Recipients, Messages.")]
    [TestCase("--Limits:Burst=7", "Limits:Burst: only together with Limits:PerSecond.")]
    [TestCase("--Network:Allowed=10.0.0.0/8", "Network:Allowed (--Network:Allowed): is a list; its first element is Network:Allowed:0.")]
    [TestCase(
        "--Network:Allowed:0=ten",
        "Network:Allowed (--Network:Allowed:0): must be CIDR ranges such as 10.1.0.0/16, or single addresses."
    )]
    [TestCase(
        "--Report:RetryMinutes=1,99999999999999999999",
        "Report:RetryMinutes (--Report:RetryMinutes): must be up to 100 numbers below 1,000,000, separated by commas."
    )]
    [TestCase("--Ingest:MaxTags:0=1", "Ingest:MaxTags (--Ingest:MaxTags:0): takes one value, not a group.")]
    [TestCase("--Urls=", "Urls (--Urls): must not be empty.")]
    [TestCase("--Send:MailKeyHeader=From", NotItsOwn)]
    [TestCase("--Send:MailKeyHeader=message-id", NotItsOwn)]
    [TestCase("--Send:MailKeyHeader=Content-Type", NotItsOwn)]
    [TestCase("--Send:MailKeyHeader=List-Unsubscribe", NotItsOwn)]
    [TestCase("--Send:MailKeyHeader=DKIM-Signature", NotItsOwn)]
    [TestCase("--Ingest:MaxTags=", "Ingest:MaxTags (--Ingest:MaxTags): '' is not a number in range.")]
    public void Read_OneMistake_IsTold(string argument, string mistake) => Assert.That(Read(argument).Mistakes, Does.Contain(mistake));

    [TestCase("localhost:8000")]
    [TestCase("https://127.0.0.1:8000")]
    [TestCase("http://mail.example.com:8000")]
    [TestCase("http://127.0.0.1:8000/path")]
    [TestCase("http://127.0.0.1:8000;nonsense")]
    [TestCase(";")]
    public void Read_UrlsThatCannotBeListenedOn_AreRefused(string urls) =>
        Assert.That(Read("--urls=" + urls).Mistakes, Has.One.StartsWith("Urls (--urls): must be http://address:port"));

    [TestCase("")]
    [TestCase("X-Mail-Key")]
    [TestCase("X-From")]
    public void Read_MailKeyHeaderOfItsOwn_IsTaken(string name) => Assert.That(Read("--Send:MailKeyHeader=" + name).Mistakes, Is.Empty);

    [TestCase("http://127.0.0.1:0")]
    [TestCase("http://localhost:8000")]
    [TestCase("http://*:8000")]
    [TestCase("http://[::1]:8000;http://0.0.0.0:80")]
    public void Read_UrlsThatCanBeListenedOn_AreTaken(string urls) => Assert.That(Read("--urls=" + urls).Mistakes, Is.Empty);

    [Test]
    public void Read_BrokenFile_IsAMistakeThatNamesIt()
    {
        var (settings, mistakes) = Read($$"""{"AdminKey":"{{Secret}}" """, "{}", []);
        Assert.That(settings, Is.Null);
        Assert.That(mistakes, Has.One.Contains("appsettings.json"));
        Assert.That(mistakes, Has.None.Contains(Secret));
    }

    [Test]
    public void Read_MistakesAboutSecrets_DoNotTellThem()
    {
        var (_, mistakes) = Read(
            "{}",
            "{}",
            [("MAILPROXY_ADMIN_KEY", "too-short"), ("MAILPROXY_MASTER_KEY__X", Secret), ("MAILPROXY_ADMIN__KEY", Secret)],
            "serve",
            Secret,
            "--Send:Passwort",
            Secret,
            "--Data:" + "x=" + Secret
        );

        Assert.That(mistakes, Has.Count.EqualTo(7));
        Assert.That(string.Join('\n', mistakes), Does.Not.Contain(Secret).And.Not.Contain("too-short"));
    }

    private (DaemonSettings? Settings, IReadOnlyList<string> Mistakes) Read(params string[] args) => Read("{}", "{}", [], args);

    private (DaemonSettings? Settings, IReadOnlyList<string> Mistakes) Read(
        string shipped,
        string installed,
        (string Name, string Value)[] environment,
        params string[] args
    )
    {
        File.WriteAllText(Shipped, shipped);
        File.WriteAllText(Installed, installed);
        return SettingsReader.Read(args, _directory, Installed, environment.ToDictionary(v => v.Name, v => v.Value));
    }
}
