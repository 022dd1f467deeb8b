using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using Microsoft.Data.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>A daemon as a process of its own that has sent a mail by an account, and what was scraped of it.</summary>
internal sealed class RehearsedDaemon : IAsyncDisposable
{
    private readonly string _data;
    private readonly (string, string)[] _settings;

    private RehearsedDaemon(string data, (string, string)[] settings)
    {
        _data = data;
        _settings = [("NETWORK__ALLOWED__0", "127.0.0.0/8"), ("DASHBOARD__ENABLED", "false"), .. settings];
        Process = DaemonProcess.Start(_data, _settings);
    }

    public DaemonProcess Process { get; private set; }

    public ScriptedSmtpServer Server { get; } = new();

    public RehearsedScrapes Scrapes { get; } = new();

    /// <summary>Starts it and sends a mail; is not scraped yet.</summary>
    public static async Task<RehearsedDaemon> StartAsync(string data, params (string, string)[] settings)
    {
        var daemon = new RehearsedDaemon(data, settings);
        await daemon.Process.ListeningAsync();
        await daemon.PutAccountAsync("relay", daemon.Server.Port);
        await daemon.PostAsync("first");
        await daemon.Process.UntilAsync("first", "sent");
        return daemon;
    }

    /// <summary>The scrape in health, which has the mail that was sent.</summary>
    public Task HealthyAsync() => Scrapes.TakeAsync(Process.Http, "mailproxy_messages_sent_total", static sent => sent >= 1);

    public Task SeesAsync(string series, Func<double, bool> pleases, TimeSpan? within = null) =>
        Scrapes.TakeAsync(Process.Http, series, pleases, within);

    public async Task CallAsync(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        using var answer = await Process.Http.SendAsync(request);
        Assert.That(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    public Task PutAccountAsync(string id, int port, object? auth = null, string? ends = null) =>
        CallAsync(
            HttpMethod.Put,
            $"/v1/accounts/{id}",
            new
            {
                host = "127.0.0.1",
                port,
                security = "none",
                auth,
                max_connections = 1,
                secret_expires_at = ends,
            }
        );

    public Task PostAsync(string id, string account = "relay") => CallAsync(HttpMethod.Post, "/v1/messages", Mail(id, account));

    /// <summary>Posts until it is answered with this code.</summary>
    public Task RefusedAsync(string code) =>
        Eventually.BecomesAsync(
            async () =>
            {
                using var answer = await Process.Http.PostAsJsonAsync("/v1/messages", Mail($"m{Guid.NewGuid():N}", "relay"));
                return (string?)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["code"] ?? "taken";
            },
            answer => answer == code
        );

    /// <summary>Killed, and started again over the same directory after this change of its database.</summary>
    public async Task StartAgainAsync(string? sql = null)
    {
        await Process.SignalAsync("KILL");
        await Process.ExitAsync();
        if (sql is not null)
            Change(sql);
        await Process.DisposeAsync();
        Process = DaemonProcess.Start(_data, _settings);
        await Process.ListeningAsync();
    }

    /// <summary>Another program's connection to the database.</summary>
    public SqliteConnection Open()
    {
        var path = Path.Combine(_data, "mailproxy.db");
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    /// <summary>Changes its database, as time would.</summary>
    public void Change(string sql)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.That(command.ExecuteNonQuery(), Is.Positive);
    }

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        await Server.DisposeAsync();
    }

    private static object Mail(string id, string account) =>
        new
        {
            id,
            account,
            from = "a@example.com",
            to = $"{id}@example.com",
            text = "x",
        };
}
