using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.Support;

/// <summary>The whole daemon in this process, on a free port and in a directory of its own, spoken to over HTTP.</summary>
internal sealed class TestDaemon : IAsyncDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public const string Key = "test-admin-key-0123456789";

    private readonly WebApplication _app;
    private bool _isStopped;

    private TestDaemon(WebApplication app, string data)
    {
        _app = app;
        Data = data;
        Http = As(Key);
    }

    /// <summary>The category of tests that name files of SQLite's, which have no meaning with PostgreSQL.</summary>
    public const string NamesFiles = "Files";

    /// <summary>Whether every daemon of this run keeps its mail in PostgreSQL, in a database for each data directory.</summary>
    public static bool IsOnPostgres { get; } = Environment.GetEnvironmentVariable("TEST_STORE") == "postgres";

    public string Data { get; }

    public HttpClient Http { get; }

    public string Url => _app.Urls.First();

    public IServiceProvider Services => _app.Services;

    public static Task<TestDaemon> StartAsync(string data, params (string Name, string Value)[] settings) =>
        StartAsync(data, null, settings);

    public static async Task<TestDaemon> StartAsync(string data, TimeProvider? clock, params (string Name, string Value)[] settings)
    {
        var values = new Dictionary<string, string?>
        {
            ["Data"] = data,
            ["Urls"] = "http://127.0.0.1:0",
            ["AdminKey"] = Key,
            ["Log:Level"] = "Warning",
            ["Drain:GraceSeconds"] = "2", // of an attempt that hangs at the end of a test
        };
        if (IsOnPostgres)
        {
            values["Storage:Provider"] = "postgres";
            values["Storage:ConnectionString"] = PostgresServer.Shared.ConnectionString(PostgresServer.Shared.DatabaseOf(data));
        }

        foreach (var (name, value) in settings)
            values[name] = value;
        var (read, mistakes) = SettingsReader.Read(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        Assert.That(mistakes, Is.Empty);
        var app = await DaemonApp.BuildAsync(read!, clock);
        await app.StartAsync();
        return new(app, data);
    }

    /// <summary>A client that speaks with this key.</summary>
    public HttpClient As(string key)
    {
        var http = new HttpClient { BaseAddress = new Uri(Url), Timeout = Deadline };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return http;
    }

    /// <summary>Makes a tenant, and a key of its own that may do everything; the key is returned.</summary>
    public async Task<string> MakeTenantAsync(string tenant)
    {
        Assert.That(await SendAsync(HttpMethod.Put, $"/v1/tenants/{tenant}", new { name = tenant }), Is.EqualTo(HttpStatusCode.Created));
        string[] scopes = ["send", "read", "manage"];
        using var made = await Http.PostAsJsonAsync($"/v1/tenants/{tenant}/keys", new { name = "test", scopes });
        return (string)JsonNode.Parse(await made.Content.ReadAsStringAsync())!["key"]!;
    }

    /// <summary>Posts one message; the answer is 202 and its id is returned.</summary>
    public async Task<string> PostAsync(object message)
    {
        using var answer = await Http.PostAsJsonAsync("/v1/messages", message);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), body);
        return (string)JsonNode.Parse(body)!["id"]!;
    }

    public async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await Http.GetStringAsync(path))!;

    public async Task<HttpStatusCode> SendAsync(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        using var answer = await Http.SendAsync(request);
        return answer.StatusCode;
    }

    public async Task PutAccountAsync(string id, int port, object? limits = null)
    {
        var status = await SendAsync(
            HttpMethod.Put,
            $"/v1/accounts/{id}",
            new
            {
                host = "127.0.0.1",
                port,
                security = "none",
                limits = limits ?? new { },
            }
        );
        Assert.That(status, Is.AnyOf(HttpStatusCode.Created, HttpStatusCode.OK));
    }

    /// <summary>Follows the event log until enough events satisfy the question; woken by commits, never by a clock.</summary>
    public async Task<IReadOnlyList<MailEvent>> EventsAsync(
        Func<MailEvent, bool> wanted,
        int count,
        TimeSpan? within = null,
        string tenant = "default"
    )
    {
        var log = Services.GetRequiredService<IDeliveryLog>();
        using var deadline = new CancellationTokenSource(within ?? Deadline);
        var found = new List<MailEvent>();
        long position = 0;
        while (true)
        {
            var (events, through) = await log.ReadAsync(tenant, position, 1000);
            found.AddRange(events.Where(wanted));
            if (found.Count >= count)
                return found;
            if (through > position)
            {
                position = through;
                continue;
            }

            try
            {
                await log.WaitBeyondAsync(position, deadline.Token);
            }
            catch (OperationCanceledException) when (deadline.IsCancellationRequested)
            {
                Assert.Fail($"Only {found.Count} of {count} events came in time; the log ends at {position}.");
            }
        }
    }

    /// <summary>Waits until this message has this event.</summary>
    public Task<IReadOnlyList<MailEvent>> UntilAsync(string id, EventType type, TimeSpan? within = null) =>
        EventsAsync(e => e.MessageId == id && e.Type == type, 1, within);

    public async Task StopAsync()
    {
        _isStopped = true;
        await _app.StopAsync();
    }

    /// <summary>Waits until it asks its host to end.</summary>
    public Task UntilStoppedAsync()
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _app.Lifetime.ApplicationStopping.Register(stopped.SetResult);
        return stopped.Task.WaitAsync(Deadline);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!_isStopped)
            await _app.StopAsync(); // else its stages would run on beside all other tests
        await _app.DisposeAsync();
    }
}
