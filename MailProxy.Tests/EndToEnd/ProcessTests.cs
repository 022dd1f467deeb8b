using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using MailProxy.Daemon.Sandbox;
using MailProxy.Tests.Support;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Signals, exit codes and refusals of the process.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class ProcessTests
{
    [Test]
    public async Task Sigterm_UnderLoad_LosesNothingSendsNothingTwiceAndExitsZero()
    {
        using var directory = new TempDirectory();
        var mailbox = new SandboxMailbox(new() { KeepMessages = 1_000_000, KeepBytes = 1L << 30 });
        await using var server = new SandboxServer(mailbox, new(), TimeProvider.System, NullLogger.Instance);
        var port = (await server.StartAsync()).Port;
        var acknowledged = new ConcurrentBag<string>();

        await using (var first = DaemonProcess.Start(directory))
        {
            await first.ListeningAsync();
            await PutAccountAsync(first, port);
            using var stop = new CancellationTokenSource();
            var clients = Enumerable.Range(0, 8).Select(c => PostUntilRefusedAsync(first.Http, c, acknowledged, stop.Token)).ToArray();
            await mailbox.ReachedAsync(300).WaitAsync(TestDaemon.Deadline);
            await first.SignalAsync("TERM");
            Assert.That(await first.ExitAsync(), Is.Zero, first.Output);
            await stop.CancelAsync();
            await Task.WhenAll(clients);
        }

        await using var second = DaemonProcess.Start(directory);
        await second.ListeningAsync();
        await mailbox.ReachedAsync(acknowledged.Count).WaitAsync(TestDaemon.Deadline);
        await second.SignalAsync("TERM");
        Assert.That(await second.ExitAsync(), Is.Zero, second.Output);

        var arrived = mailbox.Page(int.MaxValue).GroupBy(m => m.Recipients[0]).ToDictionary(g => g.Key, g => g.Count());
        Assert.That(arrived.Keys, Is.SupersetOf(acknowledged));
        Assert.That(arrived.Values, Has.All.EqualTo(1));
    }

    [Test]
    public async Task Sigterm_Twice_LetsGoOfAServerThatHangs()
    {
        using var directory = new TempDirectory();
        await using var daemon = DaemonProcess.Start(directory);
        await daemon.ListeningAsync();
        using (
            var posted = await daemon.Http.PostAsJsonAsync(
                "/v1/messages",
                new
                {
                    from = "a@example.com",
                    to = "hang@example.com",
                    text = "x",
                }
            )
        )
            Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        await daemon.SignalAsync("TERM");
        await daemon.SignalAsync("TERM");

        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);
    }

    [Test]
    public async Task Crash_InAStage_ExitsNonZero()
    {
        using var directory = new TempDirectory();
        await using var daemon = DaemonProcess.Start(directory);
        await daemon.ListeningAsync();
        using (
            var connection = new SqliteConnection(
                new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, "mailproxy.db"), Pooling = false }.ToString()
            )
        )
        {
            // Somebody's hand in the database: what the writer finds then is no passing trouble.
            connection.Open();
            using var drop = connection.CreateCommand();
            drop.CommandText = "DROP TABLE recipients";
            drop.ExecuteNonQuery();
        }

        // The answer does not matter, and there may be none.
        await daemon
            .Http.PostAsJsonAsync(
                "/v1/messages",
                new
                {
                    from = "a@example.com",
                    to = "b@example.com",
                    text = "x",
                }
            )
            .ContinueWith(answer => answer.Exception, TaskScheduler.Default);

        Assert.That(await daemon.ExitAsync(), Is.Not.Zero, daemon.Output);
    }

    [Test]
    public async Task Start_WithWrongSettings_ListsEveryMistakeAndExitsTwo()
    {
        using var directory = new TempDirectory();
        await using var daemon = DaemonProcess.Start(
            directory,
            ("INGEST__MAXMESSAGES", "many"),
            ("NOSUCH__THING", "1"),
            ("SEND__WORKERS", "0")
        );

        Assert.That(await daemon.ExitAsync(), Is.EqualTo(2));
        Assert.That(
            daemon.Output,
            Does.Contain("MAXMESSAGES").IgnoreCase.And.Contain("NOSUCH").IgnoreCase.And.Contain("WORKERS").IgnoreCase
        );
    }

    [Test]
    public async Task Start_FirstTime_MakesAKeyThatOnlyItsOwnerReads()
    {
        using var directory = new TempDirectory();
        await using var daemon = DaemonProcess.Start(directory, ("ADMIN_KEY", ""));
        await daemon.ListeningAsync();

        var file = Path.Combine(directory, "admin.key");
        if (!OperatingSystem.IsWindows())
            Assert.That(File.GetUnixFileMode(file), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(daemon.Output, Does.Contain(file).And.Not.Contain(File.ReadAllText(file).Trim()));
    }

    [Test]
    public async Task Start_OfASecondProcess_IsRefusedAndTheFirstGoesOn()
    {
        using var directory = new TempDirectory();
        await using var first = DaemonProcess.Start(directory);
        await first.ListeningAsync();
        await using var second = DaemonProcess.Start(directory);

        Assert.That(await second.ExitAsync(), Is.EqualTo(1), second.Output);
        using var answer = await first.Http.GetAsync("/health/ready");
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Kill_ThenStart_TheLockIsFree()
    {
        using var directory = new TempDirectory();
        await using (var first = DaemonProcess.Start(directory))
        {
            await first.ListeningAsync();
            await first.SignalAsync("KILL");
            await first.ExitAsync();
        }

        await using var second = DaemonProcess.Start(directory);
        await second.ListeningAsync();
    }

    [Test]
    public async Task Log_AsJson_IsOneObjectALineAndHoldsNoSecretNorBody()
    {
        using var directory = new TempDirectory();
        await using var daemon = DaemonProcess.Start(directory, ("LOG__FORMAT", "json"), ("LOG__LEVEL", "Debug"));
        await daemon.ListeningAsync();
        await PutAccountAsync(daemon, 1, new { user = "u", password = "s3cr3t-password" });
        using (
            await daemon.Http.PostAsJsonAsync(
                "/v1/messages",
                new
                {
                    account = "sink",
                    from = "a@example.com",
                    to = "b@example.com",
                    text = "the-very-body",
                }
            )
        ) { }

        await daemon.SignalAsync("TERM");
        await daemon.ExitAsync();
        Assert.That(daemon.Output, Does.Not.Contain("s3cr3t-password").And.Not.Contain("the-very-body"));
        foreach (var line in daemon.Output.Split('\n').Where(l => l.StartsWith('{')))
            Assert.That(System.Text.Json.Nodes.JsonNode.Parse(line)!["@t"], Is.Not.Null);
    }

    private static async Task PutAccountAsync(DaemonProcess daemon, int port, object? auth = null)
    {
        using var put = await daemon.Http.PutAsJsonAsync(
            "/v1/accounts/sink",
            new
            {
                host = "127.0.0.1",
                port,
                security = "none",
                auth,
            }
        );
        Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.Created), await put.Content.ReadAsStringAsync());
    }

    private static async Task PostUntilRefusedAsync(HttpClient http, int client, ConcurrentBag<string> acknowledged, CancellationToken stop)
    {
        for (var n = 0; !stop.IsCancellationRequested; n++)
        {
            var to = $"c{client}-{n}@example.com";
            try
            {
                using var answer = await http.PostAsJsonAsync(
                    "/v1/messages",
                    new
                    {
                        account = "sink",
                        from = "a@example.com",
                        to,
                        text = "x",
                    },
                    stop
                );
                if (answer.StatusCode != HttpStatusCode.Accepted)
                    return;
                acknowledged.Add(to);
            }
            catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
            {
                return;
            }
        }
    }
}
