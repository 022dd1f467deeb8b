using System.Diagnostics;
using MailProxy.Pipeline.Network;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Docs;

/// <summary>Runs the examples of docs/guide/clients.md, those of curl aside, which run with the other shell blocks.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class ClientExamplesTests : DaemonFixture
{
    private const string Key = "test-admin-key-0123456789";

    private static readonly Document Page = Document.All.Single(document => document.Path == "docs/guide/clients.md");

    [TestCase("python", "mail.py", "/usr/bin/python3")]
    [TestCase("javascript", "mail.mjs", "node")]
    [TestCase("php", "mail.php", "php")]
    [TestCase("csharp", "mail.cs", "dotnet", "run")]
    public async Task Example_Submitting_SaysThatItWasSent(string language, string file, params string[] command)
    {
        var (exit, output) = await RunAsync(Example(language, 0), file, command);
        Assert.That((exit, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault()), Is.EqualTo((0, "sent")), output);
    }

    [TestCase(
        "python",
        "hook.py",
        "import sys\nprint(str(is_genuine(*sys.argv[1:5], sys.argv[5].encode())).lower())\n",
        "/usr/bin/python3"
    )]
    [TestCase("javascript", "hook.mjs", "console.log(isGenuine(...process.argv.slice(2)));\n", "node")]
    [TestCase("php", "hook.php", "echo is_genuine(...array_slice($argv, 1)) ? 'true' : 'false';\n", "php")]
    public async Task Example_Verifying_TakesOurSignaturesAndNoOthers(string language, string file, string call, params string[] command)
    {
        var secret = WebhookSignature.NewSecret();
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        string Sign(long at) => WebhookSignature.Sign(WebhookSignature.Key(secret)!, "evt_1", at, "{\"a\":1}"u8.ToArray());
        var source = Example(language, 1) + call;
        using (Assert.EnterMultipleScope())
        {
            foreach (
                var (genuine, at, signatures, body) in ((string, long, string, string)[])
                    [
                        ("true", now, Sign(now), "{\"a\":1}"),
                        ("true", now, "v1,bm9uZQ== " + Sign(now), "{\"a\":1}"),
                        ("false", now, Sign(now), "{\"a\":2}"),
                        ("false", now, "v1,bm9uZQ==", "{\"a\":1}"),
                        ("false", now - 600, Sign(now - 600), "{\"a\":1}"),
                    ]
            )
            {
                var (exit, output) = await RunAsync(source, file, [.. command], secret, "evt_1", $"{at}", signatures, body);
                Assert.That((exit, output.Trim()), Is.EqualTo((0, genuine)));
            }
        }
    }

    private static string Example(string language, int index) =>
        Page.Blocks.Where(block => block.Language == language).ElementAt(index).Text;

    private async Task<(int ExitCode, string Output)> RunAsync(string source, string file, string[] command, params string[] arguments)
    {
        var path = Path.Combine(_directory, file);
        await File.WriteAllTextAsync(path, source);
        var info = Run.Info(command[0], [.. command[1..], path, .. arguments]);
        info.WorkingDirectory = _directory;
        info.Environment["MAILPROXY_URL"] = _daemon.Url;
        info.Environment["MAILPROXY_KEY"] = Key;
        info.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] =
            info.Environment["DOTNET_NOLOGO"] =
            info.Environment["MSBUILDDISABLENODEREUSE"] =
                "1";
        using var process = Process.Start(info)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TestDaemon.Deadline);
        return (process.ExitCode, await output + await error);
    }
}
