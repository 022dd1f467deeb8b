using System.Net;
using System.Net.Http.Json;
using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A daemon, the directory of its backup, and the commands that fill and read it.</summary>
[UnsupportedOSPlatform("windows")]
[Parallelizable(ParallelScope.Self)]
internal abstract class BackupFixture
{
    // A spool file of its own; in lines, so that it goes out as it is.
    protected static readonly string Large = string.Concat(Enumerable.Repeat(new string('x', 79) + "\n", 5_000));

    protected TempDirectory _place = null!;

    protected string Data => Path.Combine(_place, "data");

    protected string Backup => Path.Combine(_place, "backup");

    protected string Other => Path.Combine(_place, "other");

    [SetUp]
    public void SetUp() => _place = new();

    [TearDown]
    public void TearDown() => _place.Dispose();

    protected static async Task<DaemonProcess> StartAsync(string data, params (string Name, string Value)[] settings)
    {
        var daemon = DaemonProcess.Start(data, settings);
        await daemon.ListeningAsync();
        return daemon;
    }

    protected static async Task<string> PostAsync(
        DaemonProcess daemon,
        string id,
        string text,
        string account = "sandbox",
        string? sendAt = "2037-01-01T08:00:00Z"
    )
    {
        using var posted = await daemon.Http.PostAsJsonAsync(
            "/v1/messages",
            new
            {
                id,
                account,
                from = "a@example.com",
                to = "b@example.com",
                text,
                send_at = sendAt,
            }
        );
        Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), await posted.Content.ReadAsStringAsync());
        return id;
    }

    /// <summary>Bodies of their own that are stored, replaced and erased, so that files come and go.</summary>
    protected static async Task ComeAndGoAsync(DaemonProcess daemon, int client, CancellationToken enough)
    {
        for (var number = 0; !enough.IsCancellationRequested; number++)
            await PostAsync(daemon, $"moving-{client}", Large + number);
    }

    protected static async Task<JsonNode> JsonAsync(DaemonProcess daemon, string path) =>
        JsonNode.Parse(await daemon.Http.GetStringAsync(path))!;

    protected static async Task<string[]> IdsAsync(DaemonProcess daemon) =>
        [.. (await JsonAsync(daemon, "/v1/messages?limit=500"))["data"]!.AsArray().Select(message => (string)message!["id"]!)];

    protected static async Task<string[]> EventIdsAsync(DaemonProcess daemon) =>
        [.. (await JsonAsync(daemon, "/v1/events?limit=500"))["data"]!.AsArray().Select(one => (string)one!["id"]!)];

    protected static async Task<string> DoneAsync(Task<(int ExitCode, string Output)> command)
    {
        var (exitCode, output) = await command;
        Assert.That(exitCode, Is.Zero, output);
        return output;
    }

    protected static async Task RefusedAsync(Task<(int ExitCode, string Output)> command, string reason)
    {
        var (exitCode, output) = await command;
        Assert.That(exitCode, Is.EqualTo(1), output);
        Assert.That(output, Does.Contain(reason));
        Assert.That(output.TrimEnd().Split('\n'), Has.Length.EqualTo(1), output);
    }
}
