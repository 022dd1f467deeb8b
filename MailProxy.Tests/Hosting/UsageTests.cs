using MailProxy.Daemon.Hosting;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

/// <summary>What a person sees who types something at a shell.</summary>
[TestFixture]
internal sealed class UsageTests
{
    [TestCase("help")]
    [TestCase("--help")]
    [TestCase("-h")]
    [TestCase("help serve")]
    [TestCase("help demo")]
    [TestCase("help version")]
    [TestCase("serve --help")]
    [TestCase("serve -h")]
    [TestCase("demo --help")]
    [TestCase("serve --Data=x --help")]
    [TestCase("demo 5 -h")]
    public async Task Help_Asked_IsPrintedAndNothingStarts(string words)
    {
        var (exitCode, output) = await MailProxyAsync(words.Split(' '));
        Assert.That(exitCode, Is.Zero, output);
        Assert.That(output, Does.StartWith("mailproxy [serve]").And.Contain("MAILPROXY_DATA").And.Not.Contain("listening"));
    }

    [Test]
    public async Task Help_OfNoCommand_NamesThoseThereAreAndExitsTwo()
    {
        var (exitCode, output) = await MailProxyAsync("help", "frobnicate");
        Assert.That((exitCode, output.Trim().Split('\n').Length), Is.EqualTo((2, 1)));
        Assert.That(output, Does.Contain("frobnicate").And.Contain("serve"));
    }

    [TestCase("--version")]
    [TestCase("version")]
    [TestCase("serve --version")]
    public async Task Version_Asked_IsPrinted(string words)
    {
        var (exitCode, output) = await MailProxyAsync(words.Split(' '));
        Assert.That((exitCode, output), Is.EqualTo((0, $"mailproxy {typeof(DaemonSettings).Assembly.GetName().Version!.ToString(3)}\n")));
    }

    [Test]
    public async Task Command_Unknown_NamesThoseThereAreAndExitsTwo()
    {
        var (exitCode, output) = await MailProxyAsync("frobnicate");
        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(output, Does.Contain("frobnicate").And.Contain("serve").And.Contain("demo"));
    }

    [Test]
    public async Task Serve_StrayArgument_IsRefused()
    {
        var (exitCode, output) = await MailProxyAsync("serve", "extra");
        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(output, Does.Contain("argument 1"));
    }

    [Test]
    public async Task Serve_PortInUse_IsSaidInOneLine()
    {
        using var directory = new TempDirectory();
        await using var first = DaemonProcess.Start(Path.Combine(directory, "a"));
        await first.ListeningAsync();
        var url = first.Http.BaseAddress!.ToString().TrimEnd('/');
        await using var second = DaemonProcess.Start(Path.Combine(directory, "b"), ("URLS", url));

        Assert.That(await second.ExitAsync(), Is.EqualTo(1), second.Output);
        Assert.That(second.Output, Does.Contain($"mailproxy: Cannot listen on {url}: the port is in use").And.Not.Contain("   at "));
    }

    [Test]
    public async Task Serve_DataThatCannotBeADirectory_IsSaidInOneLine()
    {
        using var directory = new TempDirectory();
        var file = Path.Combine(directory, "file");
        await File.WriteAllTextAsync(file, "");
        await using var daemon = DaemonProcess.Start(Path.Combine(file, "data"));

        Assert.That(await daemon.ExitAsync(), Is.EqualTo(1), daemon.Output);
        Assert.That(daemon.Output, Does.StartWith("mailproxy: The data directory").And.Not.Contain("   at "));
    }

    [Test]
    public async Task Serve_NewDataDirectory_IsItsOwnersOnly()
    {
        using var directory = new TempDirectory();
        var data = Path.Combine(directory, "data");
        await using var daemon = await TestDaemon.StartAsync(data);
        if (!OperatingSystem.IsWindows())
            Assert.That(File.GetUnixFileMode(data), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
        await daemon.StopAsync();
    }

    [Test]
    public async Task DotnetRun_FromAnywhere_WorksInTheCallersDirectory()
    {
        // The SDK for web projects would otherwise run in the project's directory, and ./data would be there.
        var (exitCode, output) = await Run.AsIsAsync(
            "dotnet",
            "msbuild",
            Repository.File("MailProxy.Daemon/MailProxy.Daemon.csproj"),
            "-getProperty:RunWorkingDirectory",
            "-nologo"
        );
        Assert.That(exitCode, Is.Zero, output);
        Assert.That(output.Trim(), Is.Empty);
    }

    private static Task<(int ExitCode, string Output)> MailProxyAsync(params string[] arguments) =>
        Run.AsIsAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "mailproxy.dll"), .. arguments]);
}
