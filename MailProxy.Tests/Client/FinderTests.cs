using System.Collections;
using MailProxy.Daemon.Client;
using MailProxy.Daemon.Hosting;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Client;

/// <summary>Which daemon a command asks, and with which key.</summary>
[TestFixture]
internal sealed class FinderTests
{
    private TempDirectory _directory = null!;
    private Hashtable _variables = null!;

    private DaemonFinder Finder => new(_variables, _directory);

    [SetUp]
    public void SetUp()
    {
        _directory = new();
        _variables = new() { ["MAILPROXY_DATA"] = Path.Combine(_directory, "data") };
    }

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [TestCase("http://127.0.0.1:8000", "http://127.0.0.1:8000")]
    [TestCase("https://mail.example.com/base", "https://mail.example.com/base")]
    [TestCase("unix:/run/x.sock", "unix:/run/x.sock")]
    [TestCase("/run/x.sock", "unix:/run/x.sock")]
    public void Server_Named_IsAsked(string server, string shown) =>
        Assert.That(Finder.Find(server, null, null).Address.Shown, Is.EqualTo(shown));

    [TestCase("mail.example.com")]
    [TestCase("ftp://x")]
    [TestCase("http://user:password@x/")]
    public void Server_NoAddress_IsRefused(string server)
    {
        var error = Assert.Throws<DaemonException>(() => Finder.Find(server, null, null));
        Assert.That((error!.Trouble, error.Message), Is.EqualTo((DaemonTrouble.Invalid, error.Message)));
    }

    [Test]
    public void Server_OfTheVariable_IsAsked_UnlessADirectoryIsNamed()
    {
        _variables["MAILPROXY_SERVER"] = "http://127.0.0.1:9000";
        Assert.That(Finder.Find(null, null, null).Address.Shown, Is.EqualTo("http://127.0.0.1:9000"));
        Assert.That(Finder.Find(null, _directory, null).Address.Shown, Is.EqualTo("http://127.0.0.1:8000"));
    }

    [TestCase("http://127.0.0.1:8001", "http://127.0.0.1:8001")]
    [TestCase("http://*:8001", "http://127.0.0.1:8001")]
    [TestCase("http://0.0.0.0:8001", "http://127.0.0.1:8001")]
    [TestCase("http://[::]:8001", "http://[::1]:8001")]
    [TestCase("http://localhost:8001", "http://localhost:8001")]
    [TestCase("http://192.0.2.1:8001;http://127.0.0.1:8002", "http://192.0.2.1:8001")]
    public void Settings_WithoutASocketThatListens_SayTheAddress(string urls, string shown)
    {
        _variables["MAILPROXY_URLS"] = urls;
        Assert.That(Finder.Find(null, null, null).Address.Shown, Is.EqualTo(shown));
    }

    [Test]
    public async Task Socket_ThatListens_ComesFirst()
    {
        var data = Path.Combine(_directory, "data");
        await using var daemon = await TestDaemon.StartAsync(data);
        var (address, settings) = Finder.Find(null, null, null);
        Assert.That((address.Socket, settings!.Data), Is.EqualTo((Path.Combine(data, "mailproxy.sock"), data)));
        await daemon.StopAsync();
    }

    [Test]
    public void Settings_Wrong_SayHowToNameTheDaemon()
    {
        _variables["MAILPROXY_FROB"] = "1";
        Assert.That(
            Assert.Throws<DaemonException>(() => Finder.Find(null, null, null))!.Message,
            Does.Contain("FROB").And.Contain("--server")
        );
        Assert.DoesNotThrow(() => Finder.Find("http://127.0.0.1:1", null, null));
    }

    [Test]
    public void Key_IsThatOfTheFlagBeforeThoseOfVariablesBeforeThatOfTheDirectory()
    {
        var (flag, file, data) = (Write("flag", "of-flag"), Write("file", "of-file"), Path.Combine(_directory, "data"));
        Directory.CreateDirectory(data);
        File.WriteAllText(Path.Combine(data, "admin.key"), "of-directory\n");
        var (address, settings) = Finder.Find(null, null, null);
        _variables["MAILPROXY_KEY_FILE"] = file;
        _variables["MAILPROXY_KEY"] = "of-variable";
        Assert.That(Keys().Find(flag, address, settings), Is.EqualTo("of-flag"));
        Assert.That(Keys().Find(null, address, settings), Is.EqualTo("of-file"));
        _variables.Remove("MAILPROXY_KEY_FILE");
        Assert.That(Keys().Find(null, address, settings), Is.EqualTo("of-variable"));
        _variables.Remove("MAILPROXY_KEY");
        Assert.That(Keys().Find(null, address, settings), Is.EqualTo("of-directory"));
        Assert.That(Keys().Find("-", address, settings), Is.EqualTo("typed"));
    }

    [Test]
    public void Key_OfTheDirectory_IsNotGivenToAServerThatWasNamed()
    {
        var data = Path.Combine(_directory, "data");
        Directory.CreateDirectory(data);
        File.WriteAllText(Path.Combine(data, "admin.key"), "of-directory\n");
        var (address, settings) = Finder.Find("http://127.0.0.1:8000", null, null);
        var error = Assert.Throws<DaemonException>(() => Keys().Find(null, address, settings));
        Assert.That((error!.Trouble, error.Message.Contains("--key-file")), Is.EqualTo((DaemonTrouble.Refused, true)));
    }

    [Test]
    public void Key_OfTheSettings_IsUsedHere()
    {
        _variables["MAILPROXY_ADMIN_KEY"] = "of-settings-0123456789";
        var (address, settings) = Finder.Find(null, null, null);
        Assert.That(Keys().Find(null, address, settings), Is.EqualTo("of-settings-0123456789"));
    }

    [Test]
    public void Key_NowhereAndSomebodyThere_IsAskedFor()
    {
        var (address, settings) = Finder.Find("http://127.0.0.1:8000", null, null);
        Assert.That(Keys(static () => " of-person ").Find(null, address, settings), Is.EqualTo("of-person"));
    }

    [TestCase("")]
    [TestCase("two words")]
    [TestCase("schlüssel")]
    public void Key_ThatIsNone_IsRefusedWithoutItself(string text)
    {
        var (address, settings) = Finder.Find("http://127.0.0.1:8000", null, null);
        var error = Assert.Throws<DaemonException>(() => Keys().Find(Write("bad", text), address, settings))!;
        Assert.That(error.Message, Does.StartWith("--key-file: "));
        Assert.That(text.Length == 0 || !error.Message.Contains(text));
    }

    [Test]
    public void Socket_OfSettings_IsBelowTheDirectory() =>
        Assert.That(LocalSocket.PathOf(new DaemonSettings { Data = "/x/y" }), Is.EqualTo("/x/y/mailproxy.sock"));

    private KeyFinder Keys(Func<string?>? ask = null) => new(_variables, new StringReader("typed\n"), ask);

    private string Write(string name, string text)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        return path;
    }
}
