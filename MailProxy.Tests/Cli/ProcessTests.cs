using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>The command line as a process of its own: what it loads, finds by itself, and does when nobody reads on.</summary>
[TestFixture]
[Platform("Linux")]
[Parallelizable(ParallelScope.Self)]
internal sealed class ProcessTests
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "mailproxy.dll");

    private TempDirectory _directory = null!;

    [SetUp]
    public void SetUp() => _directory = new();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [Test]
    public async Task Serve_LoadsNothingOfTheCommandLineNorOfOpenTelemetry()
    {
        await using var daemon = DaemonProcess.Start(Path.Combine(_directory, "data"));
        await daemon.ListeningAsync();
        var loaded = await File.ReadAllTextAsync($"/proc/{daemon.Id}/maps");
        Assert.That(loaded, Does.Contain("mailproxy.dll"));
        foreach (var name in new[] { "System.CommandLine", "Spectre.Console", "YamlDotNet", "DnsClient", "OpenTelemetry" })
            Assert.That(loaded, Does.Not.Contain(name));
    }

    [Test]
    public async Task Help_OfCommands_HasEachInALineAndTheExitCodes()
    {
        var (code, output) = await Run.AsIsAsync("dotnet", Program, "help", "commands");
        Assert.That(code, Is.Zero, output);
        foreach (var name in Usage.Others)
            Assert.That(output, Does.Contain($"\n  {name} "));
        Assert.That(output, Does.Contain("Exit codes:").And.Contain("  130 "));
    }

    [Test]
    public async Task Command_FindsTheDaemonOfADirectoryByItsSocket()
    {
        var data = Path.Combine(_directory, "data");
        await using var daemon = DaemonProcess.Start(data, ("ADMIN_KEY", ""));
        await daemon.ListeningAsync();
        var (code, output) = await Run.AsIsAsync("dotnet", Program, "status", "--data", data);
        Assert.That(code, Is.Zero, output);
        Assert.That(output, Does.Contain($"at unix:{data}/mailproxy.sock: takes and sends mail"));
    }

    [Test]
    public async Task Events_WhoseReaderIsGone_EndQuietly()
    {
        var data = Path.Combine(_directory, "data");
        await using var daemon = DaemonProcess.Start(data);
        await daemon.ListeningAsync();
        using var posting = new CancellationTokenSource();
        var posts = PostAsync(daemon, posting.Token);
        var script = $"dotnet '{Program}' events --follow --from start --data '{data}' | head -n 1; echo \"${{PIPESTATUS[0]}}\"";
        var (code, output) = await Run.AsIsAsync("env", $"MAILPROXY_KEY={DaemonProcess.Key}", "bash", "-c", script);
        await posting.CancelAsync();
        await posts;
        Assert.That(code, Is.Zero, output);
        Assert.That(output.Trim().Split('\n'), Has.Length.EqualTo(2), output);
        Assert.That(output.Trim().Split('\n')[1], Is.EqualTo("0"));
    }

    [Test]
    public async Task Output_ToAFileThatOthersWriteToo_IsBehindTheirs()
    {
        var script =
            $"(echo first; dotnet '{Program}' completions bash; echo last) > '{_directory.Path}/out'; head -n 1 '{_directory.Path}/out'";
        var (code, output) = await Run.AsIsAsync("bash", "-c", script);
        Assert.That((code, output), Is.EqualTo((0, "first\n")));
        Assert.That(await File.ReadAllTextAsync(Path.Combine(_directory, "out")), Does.EndWith("mailproxy\nlast\n"));
    }

    [Test]
    public async Task Examples_OfCommandsThatWorkOnFiles_Work()
    {
        var data = Path.Combine(_directory, "data");
        await using (var daemon = DaemonProcess.Start(data))
        {
            await daemon.ListeningAsync();
            foreach (var verb in new[] { "version", "help", "backup", "demo" })
                await ExampleAsync(verb);
        }

        await ExampleAsync("restore");
        using (new OldDatabase(Path.Combine(_directory, "mail_service.db"), OldVersion.Production)) { }

        await ExampleAsync("import-genro");

        var database = PostgresServer.Shared.MakeDatabase(isEmpty: true);
        await File.WriteAllTextAsync(Path.Combine(_directory, "storage"), PostgresServer.Shared.ConnectionString(database));
        await ExampleAsync("migrate-store");
        PostgresServer.Shared.DropDatabase(database);
    }

    private async Task ExampleAsync(string verb)
    {
        var example = Completions
            .Commands(CommandTree.Make(out _))
            .Select(static one => one.Command)
            .OfType<Verb>()
            .Single(one => one.FullName == verb);
        var line = example.Examples[0].Replace("mailproxy ", $"dotnet '{Program}' ", StringComparison.Ordinal);
        var (code, output) = await Run.AsIsAsync("bash", "-c", $"cd '{_directory.Path}' && {line}");
        Assert.That(code, Is.Zero, $"{line}: {output}");
    }

    // Until nobody reads any more, which a writer learns only by writing.
    private static async Task PostAsync(DaemonProcess daemon, CancellationToken stop)
    {
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var body = new JsonObject
            {
                ["from"] = "a@example.com",
                ["to"] = "b@example.com",
                ["text"] = $"{i}",
            };
            using var content = new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json");
            using var answer = await daemon.Http.PostAsync("/v1/messages", content, CancellationToken.None);
            Assert.That(answer.IsSuccessStatusCode);
        }
    }
}
