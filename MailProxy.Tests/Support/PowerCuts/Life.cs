using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace MailProxy.Tests.Support.PowerCuts;

/// <summary>
/// One life of a daemon in this process: it starts on a directory, takes mail if there is any to take, sends everything it can, and stops.
/// All that it does to the disk is recorded, so that it can be cut anywhere afterwards.
/// </summary>
internal sealed class Life : IAsyncDisposable
{
    private const string Key = "power-cut-admin-key-0123456789";
    private const string Account = "sink";

    /// <summary>Everything that can be is settled by then, or the life ends without.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly WebApplication _app;
    private readonly Witness _witness;
    private readonly IDeliveryLog _log;
    private readonly string _database;
    private long _position;

    private Life(WebApplication app, Witness witness, string data)
    {
        (_app, _witness) = (app, witness);
        _log = app.Services.GetRequiredService<IDeliveryLog>();
        _database = Path.Combine(data, "mailproxy.db");
        Http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
    }

    public HttpClient Http { get; }

    /// <summary>Makes a store with one account, and stops.</summary>
    public static async Task PrepareAsync(string data, int port, int connections)
    {
        using var recording = new DiskRecording(data);
        await using var life = await StartAsync(data, new(recording));
        var account = new JsonObject
        {
            ["host"] = "127.0.0.1",
            ["port"] = port,
            ["security"] = "none",
            ["max_connections"] = connections,
        };
        using (var put = await life.Http.PutAsJsonAsync($"/v1/accounts/{Account}", account))
            put.EnsureSuccessStatusCode();
        await life._app.StopAsync();
    }

    /// <summary>Throws what the daemon throws when it refuses to start.</summary>
    public static async Task<Life> StartAsync(string data, Witness witness)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Data"] = data,
            ["Urls"] = "http://127.0.0.1:0",
            ["AdminKey"] = Key,
            ["Log:Level"] = "Fatal",
            // A short schedule, so that what the server puts off is tried again within a life.
            ["Report:RetryMinutes"] = string.Join(", ", Enumerable.Repeat("0.002", 10)),
            ["Report:AccountBackoffFirst"] = "00:00:01",
            ["Report:AccountBackoffLongest"] = "00:00:01",
        };
        var (read, mistakes) = SettingsReader.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        if (mistakes.Count > 0)
            throw new InvalidOperationException(string.Join("; ", mistakes));
        var app = await DaemonApp.BuildAsync(read!, TimeProvider.System);
        try
        {
            await app.StartAsync();
            return new(app, witness, data);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Posts mails in one request; what is acknowledged is witnessed.</summary>
    public async Task PostAsync(params PowerMail[] mails)
    {
        var bodies = mails.Select(mail => mail.Json(Account)).ToArray<JsonNode>();
        using var answer =
            bodies.Length == 1
                ? await Http.PostAsJsonAsync("/v1/messages", bodies[0])
                : await Http.PostAsJsonAsync("/v1/messages/batch", new JsonObject { ["messages"] = new JsonArray(bodies) });
        answer.EnsureSuccessStatusCode();
        foreach (var mail in mails)
            _witness.Acknowledged(mail.Id, mail.Policy);
    }

    /// <summary>
    /// Follows the event log until some work is done and nothing is left but what waits for a person; woken by commits. False: that did
    /// not come.
    /// </summary>
    public async Task<bool> SettleAsync(Task work)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            while (true)
            {
                var (events, through) = await _log.ReadAsync("default", _position, 1000);
                _witness.Told(events);
                if (through > _position)
                {
                    _position = through;
                    continue;
                }

                var isDone = work.IsCompleted;
                if (isDone && Number("SELECT count(*) FROM queue WHERE state <> 2") == 0)
                    return true;
                var more = _log.WaitBeyondAsync(_position, deadline.Token);
                await (isDone ? more : await Task.WhenAny(more, work));
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>As at SIGTERM.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }

    private long Number(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_database};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }
}

/// <summary>A message of a life.</summary>
/// <param name="Policy">Its <c>on_ambiguous</c>.</param>
/// <param name="Size">Characters of its text; more than 256 KB go to a spool file.</param>
internal sealed record PowerMail(string Id, string Policy, int Size)
{
    private const string Domain = "example.net";

    public JsonObject Json(string account) =>
        new()
        {
            ["id"] = Id,
            ["account"] = account,
            ["from"] = "power@example.com",
            ["to"] = $"{Id}@{Domain}",
            ["subject"] = Id,
            ["text"] = new string('x', Size),
            ["on_ambiguous"] = Policy,
        };

    /// <summary>The id of the message of which this is a recipient.</summary>
    public static string IdOf(string recipient) => recipient[..recipient.IndexOf('@', StringComparison.Ordinal)];
}
