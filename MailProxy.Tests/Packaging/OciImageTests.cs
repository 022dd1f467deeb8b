using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>The image, unpacked by <c>umoci</c> and run by <c>runc</c> with a root that cannot be written.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class OciImageTests
{
    private const string Name = "mailproxy-test";

    private PublishedDaemon _published = null!;
    private TempDirectory _directory = null!;
    private string _layout = null!;
    private string _bundle = null!;

    [OneTimeSetUp]
    public async Task BuildAsync()
    {
        _directory = new();
        _published = await PublishedDaemon.MakeAsync();
        var archive = await PackageBuild.MakeAsync("oci", _published.Path, "0.1.0", _directory);
        _layout = Directory.CreateDirectory(Path.Combine(_directory, "layout")).FullName;
        _bundle = Path.Combine(_directory, "bundle");
        await SucceedsAsync("tar", "-xf", archive, "-C", _layout);
        await Run.AsRootAsync("umoci", "unpack", "--image", $"{_layout}:0.1.0", _bundle);
    }

    [OneTimeTearDown]
    public async Task TearDownAsync()
    {
        if (_bundle is not null)
            await Run.AsRootAsync("rm", "-rf", _bundle);
        _published?.Dispose();
        _directory?.Dispose();
    }

    [Test]
    public void Configuration_IsThatOfADaemonWithoutRights()
    {
        var process = Configuration()["process"]!;
        Assert.That((int?)process["user"]!["uid"], Is.EqualTo(65532));
        Assert.That(process["args"]!.AsArray().Select(one => (string?)one), Is.EqualTo(new[] { "/usr/bin/mailproxy", "serve" }));
        Assert.That(process["env"]!.AsArray().Select(one => (string?)one), Does.Contain("MAILPROXY_DATA=/data"));
        Assert.That(Configuration()["mounts"]!.AsArray().Select(one => (string?)one!["destination"]), Does.Contain("/data"));
    }

    [Test]
    public async Task Root_HasNoShellAndNothingThatRunsAsRoot()
    {
        var (_, found) = await Run.AsIsAsync("find", Path.Combine(_bundle, "rootfs"), "-name", "*sh", "-type", "f", "-o", "-perm", "/6000");
        Assert.That(found.Trim(), Is.Empty);
    }

    [Test]
    public async Task Run_ReadOnlyRoot_IsHealthySendsAndStopsCleanly()
    {
        RunReadOnly();
        var state = Directory.CreateDirectory(Path.Combine(_directory, "state")).FullName;
        var (file, arguments) = Run.RootCommand("timeout", ["120", "runc", "--root", state, "run", "--bundle", _bundle, Name]);
        var running = Run.AsIsAsync(Run.Info(file, arguments), TimeSpan.FromMinutes(3));
        try
        {
            Task<(int ExitCode, string Output)> Inside(params string[] command)
            {
                var (run, words) = Run.RootCommand("runc", ["--root", state, "exec", Name, .. command]);
                return Run.AsIsAsync(run, words);
            }

            await Eventually.BecomesAsync(
                () => Inside("/usr/bin/mailproxy", "health"),
                answer => answer.ExitCode == 0 || running.IsCompleted
            );
            Assert.That((await Inside("/usr/bin/mailproxy", "health")).Output, Does.Contain("ready"));
            var sent = await Inside(
                "/usr/bin/mailproxy",
                "send",
                "--from",
                "a@example.com",
                "--to",
                "b@example.com",
                "--text",
                "x",
                "--wait"
            );
            Assert.That(sent.ExitCode, Is.Zero, sent.Output);
        }
        finally
        {
            await Run.AsRootAsync("runc", "--root", state, "kill", Name, "TERM");
        }

        var (exitCode, output) = await running;
        Assert.That(exitCode, Is.Zero, output);
        Assert.That(output, Does.Contain("Stopped; waiting mail is on disk"));
    }

    private JsonNode Configuration() => JsonNode.Parse(File.ReadAllText(Path.Combine(_bundle, "config.json")))!;

    // As an orchestrator would, but for control groups, which the machine of the tests may have none of.
    private void RunReadOnly()
    {
        var configuration = Configuration();
        configuration["root"]!["readonly"] = true;
        configuration["process"]!["terminal"] = false;
        configuration["linux"]!.AsObject().Remove("resources");
        var mounts = configuration["mounts"]!.AsArray();
        foreach (var mount in mounts.Where(one => ((string)one!["destination"]!).StartsWith("/sys", StringComparison.Ordinal)).ToList())
            mounts.Remove(mount);
        mounts.Remove(mounts.Single(one => (string?)one!["destination"] == "/data"));
        mounts.Add(Mount("/data", "tmpfs", "tmpfs", "rw", "nosuid", "nodev", "mode=700", "uid=65532", "gid=65532"));
        if (!PublishedDaemon.HasRuntime)
            mounts.Add(Mount("/usr/share/dotnet", "bind", PublishedDaemon.Runtime, "rbind", "ro"));
        File.WriteAllText(Path.Combine(_bundle, "config.json"), configuration.ToJsonString());
    }

    private static JsonObject Mount(string destination, string type, string source, params string[] options) =>
        new()
        {
            ["destination"] = destination,
            ["type"] = type,
            ["source"] = source,
            ["options"] = new JsonArray([.. options.Select(option => (JsonNode)option)]),
        };

    private static async Task SucceedsAsync(string file, params string[] arguments)
    {
        var (exitCode, output) = await Run.AsIsAsync(file, arguments);
        Assert.That(exitCode, Is.Zero, output);
    }
}
