using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>A daemon that serves clients of genro-mail-proxy, an SMTP server, and an application that gets reports.</summary>
[Parallelizable(ParallelScope.Self)]
internal abstract class GenroFixture : DaemonFixture
{
    protected const string Admin = "t";

    protected ScriptedSmtpServer _smtp = null!;
    protected LoopbackWebhook _application = null!;

    /// <summary>The versions of the contract that are served.</summary>
    protected virtual string Versions => "B";

    protected override (string Name, string Value)[] Settings =>
        [("Genro:Enabled", "true"), ("Genro:AdminToken", Admin), ("Genro:Routes", Versions), ("Network:Allowed:0", "127.0.0.0/8")];

    [SetUp]
    public async Task StartServersAsync()
    {
        _smtp = new(static heard =>
            heard.Verb == "RCPT" && heard.Line.Contains("perm@", StringComparison.Ordinal) ? new Said("550 5.1.1 No such user\r\n") : null
        );
        _application = await LoopbackWebhook.StartAsync();
    }

    [TearDown]
    public async Task StopServersAsync()
    {
        await _smtp.DisposeAsync();
        await _application.DisposeAsync();
    }

    protected string ApplicationUrl => new Uri(_application.Url).GetLeftPart(UriPartial.Authority);

    /// <summary>The status and the answer.</summary>
    protected Task<(HttpStatusCode Status, JsonNode? Body)> CallAsync(
        HttpMethod method,
        string path,
        object? body = null,
        string? token = Admin
    ) => CallAsync(new Uri(_daemon.Url), method, path, body, token);

    protected static async Task<(HttpStatusCode Status, JsonNode? Body)> CallAsync(
        Uri daemon,
        HttpMethod method,
        string path,
        object? body = null,
        string? token = Admin
    )
    {
        using var handler = new SocketsHttpHandler { RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1 };
        using var http = new HttpClient(handler) { BaseAddress = daemon, Timeout = TestDaemon.Deadline };
        using var request = new HttpRequestMessage(method, path);
        if (token is not null)
            request.Headers.TryAddWithoutValidation("X-API-Token", token);
        request.Content = body switch
        {
            null => null,
            string text => new StringContent(text, Encoding.UTF8, "application/json"),
            _ => JsonContent.Create(body),
        };
        using var answer = await http.SendAsync(request);
        var read = await answer.Content.ReadAsStringAsync();
        var isJson = answer.Content.Headers.ContentType?.MediaType is "application/json" or "application/problem+json";
        return (answer.StatusCode, isJson ? JsonNode.Parse(read) : null);
    }

    protected Task<(HttpStatusCode Status, JsonNode? Body)> PostAsync(string path, object? body = null, string? token = Admin) =>
        CallAsync(HttpMethod.Post, path, body, token);

    protected Task<(HttpStatusCode Status, JsonNode? Body)> GetAsync(string path, string? token = Admin) =>
        CallAsync(HttpMethod.Get, path, null, token);

    /// <summary>Stops the daemon and starts it again, with more settings.</summary>
    protected async Task RestartAsync(params (string Name, string Value)[] more)
    {
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        _daemon = await TestDaemon.StartAsync(_directory, [.. Settings, .. more]);
    }

    /// <summary>What this program's own contract says of a tenant's resource.</summary>
    protected async Task<JsonNode> OwnAsync(string path, string tenant)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("X-Tenant", tenant);
        using var answer = await _daemon.Http.SendAsync(request);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }

    /// <summary>JSON in the writing of JsonNode.</summary>
    protected static string Same(string json) => JsonNode.Parse(json)!.ToJsonString();

    /// <summary>Makes a tenant whose application is called; its key is returned.</summary>
    protected async Task<string> MakeTenantAsync(string id, bool reports = true)
    {
        var (status, made) = await PostAsync(
            "/tenant",
            new
            {
                id,
                name = id.ToUpperInvariant(),
                client_base_url = reports ? ApplicationUrl : null,
            }
        );
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), made?.ToJsonString());
        return (string)made!["api_key"]!;
    }

    protected async Task MakeAccountAsync(string tenant, string id = "main", object? more = null)
    {
        var account = new JsonObject
        {
            ["id"] = id,
            ["tenant_id"] = tenant,
            ["host"] = "127.0.0.1",
            ["port"] = _smtp.Port,
            ["use_tls"] = false,
        };
        foreach (var (name, value) in more is null ? [] : JsonNode.Parse(System.Text.Json.JsonSerializer.Serialize(more))!.AsObject())
            account[name] = value?.DeepClone();
        var (status, made) = await PostAsync("/account", account);
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), made?.ToJsonString());
    }

    protected static JsonObject Message(string id, string tenant, object? more = null)
    {
        var message = new JsonObject
        {
            ["id"] = id,
            ["tenant_id"] = tenant,
            ["account_id"] = "main",
            ["from"] = "a@example.com",
            ["to"] = "b@example.org",
            ["subject"] = "Hello",
            ["body"] = "Text",
        };
        foreach (var (name, value) in more is null ? [] : JsonNode.Parse(System.Text.Json.JsonSerializer.Serialize(more))!.AsObject())
            message[name] = value?.DeepClone();
        return message;
    }

    protected Task<(HttpStatusCode Status, JsonNode? Body)> AddAsync(params JsonNode[] messages) =>
        PostAsync("/commands/add-messages", new JsonObject { ["messages"] = new JsonArray(messages) });

    /// <summary>All are queued.</summary>
    protected async Task QueueAsync(params JsonNode[] messages)
    {
        var (status, answer) = await AddAsync(messages);
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer?.ToJsonString());
        Assert.That((int)answer!["queued"]!, Is.EqualTo(messages.Length), answer.ToJsonString());
    }

    protected async Task<JsonObject[]> RowsAsync(string tenant, string more = "", string? token = Admin)
    {
        var (status, answer) = await GetAsync($"/messages?tenant_id={tenant}{more}", token);
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer?.ToJsonString());
        return [.. answer!["messages"]!.AsArray().Select(static row => row!.AsObject())];
    }

    /// <summary>Waits until a message's row satisfies the question.</summary>
    protected async Task<JsonObject> RowAsync(string tenant, string id, Func<JsonObject, bool> wanted)
    {
        JsonObject? found = null;
        await Eventually.BecomesAsync(
            async () =>
            {
                found = (await RowsAsync(tenant)).FirstOrDefault(row => (string)row["id"]! == id);
                return found is not null && wanted(found);
            },
            static yes => yes
        );
        return found!;
    }

    protected static IEnumerable<JsonObject> Entries(WebhookHit hit) =>
        JsonNode.Parse(hit.Text)!["delivery_report"]!.AsArray().Select(static entry => entry!.AsObject());

    /// <summary>The next call that tells something.</summary>
    protected async Task<JsonObject[]> ReportAsync()
    {
        while (true)
        {
            if (Entries(await _application.NextAsync()).ToArray() is { Length: > 0 } entries)
                return entries;
        }
    }
}
