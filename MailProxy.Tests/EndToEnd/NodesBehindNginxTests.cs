using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using MailProxy.Tests.Support;
using Npgsql;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Three nodes behind nginx with the configuration that is shipped for them.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class NodesBehindNginxTests
{
    private const int Clients = 4;
    private const int Posts = 60; // of each client

    private static readonly string[] Names = ["mail-1", "mail-2", "mail-3"];

    private TempDirectory _directory = null!;
    private string _database = null!;

    [SetUp]
    public void Make()
    {
        _directory = new();
        _database = PostgresServer.Shared.MakeDatabase();
    }

    [TearDown]
    public void Drop()
    {
        PostgresServer.Shared.DropDatabase(_database);
        _directory.Dispose();
    }

    [Test]
    public async Task Nodes_OneKilledAndOneStopped_NoPostIsRefusedAndNoneTakenTwice()
    {
        await using var first = await StartAsync(Names[0]);
        await using var second = await StartAsync(Names[1]);
        await using var third = await StartAsync(Names[2]);
        await using var nginx = await NginxInstance.StartAsync(instance => Configuration(instance, first, second, third));
        using var http = Client(nginx);
        var taken = 0;
        var (killing, stopping) = (Signal(), Signal());

        var posting = Enumerable.Range(0, Clients).Select(client => Task.Run(() => PostAsync(http, client, Count))).ToArray();
        await killing.Task.WaitAsync(TestDaemon.Deadline);
        await second.SignalAsync("KILL");
        await stopping.Task.WaitAsync(TestDaemon.Deadline);
        await third.SignalAsync("TERM");
        var statuses = (await Task.WhenAll(posting)).SelectMany(static one => one).ToList();

        Assert.That(statuses, Has.Count.EqualTo(Clients * Posts).And.All.EqualTo(HttpStatusCode.Accepted));
        Assert.That((await second.ExitAsync(), await third.ExitAsync()), Is.EqualTo((137, 0)));
        Assert.That(Taken(), Is.EqualTo(Clients * Posts));

        void Count()
        {
            var now = Interlocked.Increment(ref taken);
            if (now == Clients * Posts / 3)
                killing.SetResult();
            else if (now == Clients * Posts * 2 / 3)
                stopping.SetResult();
        }
    }

    [Test]
    public async Task Page_WithItsSignIn_StaysWithOneNode()
    {
        await using var first = await StartAsync(Names[0]);
        await using var second = await StartAsync(Names[1]);
        await using var nginx = await NginxInstance.StartAsync(instance => Configuration(instance, first, second, second));
        using var http = Client(nginx);
        for (var i = 0; i < 4; i++)
        {
            using var page = await http.GetAsync("/ui");
            Assert.That(page.StatusCode, Is.EqualTo(HttpStatusCode.OK), await page.Content.ReadAsStringAsync());
        }

        using var metrics = await http.GetAsync("/metrics");
        Assert.That(metrics.StatusCode, Is.EqualTo(HttpStatusCode.NotFound), "nobody's business outside");
    }

    private long Taken()
    {
        using var connection = new NpgsqlConnection(PostgresServer.Shared.ConnectionString(_database) + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand("SELECT count(*) FROM mailproxy.messages", connection);
        return (long)command.ExecuteScalar()!;
    }

    private static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<DaemonProcess> StartAsync(string name)
    {
        var daemon = DaemonProcess.Start(
            Path.Combine(_directory.Path, name),
            ("STORAGE__PROVIDER", "postgres"),
            ("STORAGE__CONNECTIONSTRING", PostgresServer.Shared.ConnectionString(_database)),
            ("STORAGE__NODES__NAME", name),
            ("MASTER_KEY", new string('5', 64)),
            ("API__TRUSTEDPROXIES__0", "127.0.0.1")
        );
        await daemon.ListeningAsync();
        return daemon;
    }

    private static string Configuration(NginxInstance nginx, params DaemonProcess[] nodes)
    {
        var certificate = TestCertificate.SelfSigned;
        File.WriteAllText(Path.Combine(nginx.Root, "tls.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(nginx.Root, "tls.key"), certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        var text = File.ReadAllText(Repository.File("packaging/oci/config/nginx-nodes.conf"))
            .Replace("/etc/nginx/", nginx.Root + "/", StringComparison.Ordinal)
            .Replace("listen 443 ssl", $"listen 127.0.0.1:{nginx.Port} ssl", StringComparison.Ordinal);
        foreach (var (name, node) in Names.Zip(nodes))
            text = text.Replace($"{name}:8000", node.Http.BaseAddress!.Authority, StringComparison.Ordinal);
        return text;
    }

    private static HttpClient Client(NginxInstance nginx)
    {
        var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = static (_, _, _, _) => true };
        var http = new HttpClient(handler) { BaseAddress = new($"https://127.0.0.1:{nginx.Port}"), Timeout = TestDaemon.Deadline };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", DaemonProcess.Key);
        return http;
    }

    private static async Task<List<HttpStatusCode>> PostAsync(HttpClient http, int client, Action answered)
    {
        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < Posts; i++)
        {
            var mail = new
            {
                id = string.Create(CultureInfo.InvariantCulture, $"m{client}-{i}"),
                from = "me@example.org",
                to = new[] { "you@example.com" },
                subject = "Hello",
                text = "Hello.",
                account = "sandbox",
            };
            using var answer = await http.PostAsJsonAsync("/v1/messages", mail);
            statuses.Add(answer.StatusCode);
            answered();
        }

        return statuses;
    }
}
