using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>A daemon with all the objects that the examples of the help name, and the files.</summary>
internal sealed class ExampleFixture : IAsyncDisposable
{
    private const string Far = "2099-01-01T00:00:00Z";

    private readonly ScriptedSmtpServer _smtp = new();
    private LoopbackWebhook _hook = null!;

    private ExampleFixture() { }

    public CliRig Rig { get; private set; } = null!;

    public static async Task<ExampleFixture> StartAsync()
    {
        var fixture = new ExampleFixture { _hook = await LoopbackWebhook.StartAsync() };
        fixture.Rig = await CliRig.StartAsync(("Network:Allowed:0", "127.0.0.0/8"));
        await fixture.WriteFilesAsync();
        await fixture.SendAsync("welcome-1", new { account = "sandbox" });
        await fixture.Rig.Daemon.UntilAsync("welcome-1", Pipeline.Mail.EventType.MessageSent);
        return fixture;
    }

    /// <summary>Makes what an example may have changed or deleted as it was.</summary>
    public async Task PrepareAsync()
    {
        var sandbox = new { sandbox = true };
        await PutAsync("accounts/relay", Json("relay"));
        await PutAsync("accounts/backup", sandbox);
        await PutAsync("accounts/spare", sandbox);
        await DropAsync("accounts/postmark");
        await PutAsync("pools/both", Json("both"));
        await PutAsync("pools/spare", new { strategy = "failover", accounts = new[] { "backup" } });
        await PutAsync("volumes/files", Json("files"));
        await PutAsync("volumes/spare", Json("files"));
        await PutAsync("tenants/shop", new { name = "Shop" });
        await PutAsync("tenants/spare", new { name = "Spare" });
        await PutAsync("webhooks/crm", Json("crm"));
        await PutAsync("webhooks/spare", Json("crm"));
        await PutAsync("batches/news-11", new { suspended = false });
        await PutAsync("batches/spare", new { suspended = true });
        await PutAsync("suppressions", new { address = "gone@example.com", reason = "gone" });
        await PostAsync("accounts/relay/dkim", new { domain = "example.com", selector = "autumn" });
        await DropAsync("accounts/relay/dkim/winter");
        foreach (var id in new[] { "order-4711", "order-4712", "news-1" })
            await SendAsync(
                id,
                new
                {
                    account = "relay",
                    send_at = Far,
                    batch = "news-11",
                }
            );
        await PostAsync("messages/order-4711/release", null);
        await PostAsync("messages/order-4712/hold", null);
        File.Delete(Path.Combine(Rig.Directory, "shop.key"));
    }

    /// <summary>An operation that has ended and can be undone.</summary>
    public async Task<string> OperationAsync()
    {
        await PostAsync("messages/news-1/release", null);
        var shown = await PostAsync(
            "messages/actions",
            new
            {
                action = "hold",
                q = "id:news-1",
                preview = true,
            }
        );
        var begun = await PostAsync("messages/actions", new { token = (string?)shown!["token"] });
        var id = (string)begun!["id"]!;
        await Rig.ExpectAsync(0, "operations", "watch", id);
        return id;
    }

    public async Task<string> KeyAsync() =>
        (string)(await PostAsync("tenants/shop/keys", new { name = "x", scopes = new[] { "send" } }))!["id"]!;

    public async ValueTask DisposeAsync()
    {
        await Rig.DisposeAsync();
        await _smtp.DisposeAsync();
        await _hook.DisposeAsync();
    }

    private JsonObject Json(string id) =>
        id switch
        {
            "relay" => new()
            {
                ["host"] = "127.0.0.1",
                ["port"] = _smtp.Port,
                ["security"] = "none",
                ["from_allowed"] = new JsonArray(),
            },
            "both" => new() { ["strategy"] = "failover", ["accounts"] = new JsonArray("relay", "backup") },
            "files" => new()
            {
                ["backend"] = "local",
                ["config"] = new JsonObject { ["root"] = Rig.Directory },
            },
            "shop" => new() { ["name"] = "Shop" },
            "crm" => new() { ["url"] = _hook.Url },
            "news-11" => new() { ["suspended"] = false, ["weight"] = 2 },
            _ => throw new ArgumentException(id),
        };

    private async Task WriteFilesAsync()
    {
        foreach (var id in new[] { "relay", "both", "files", "shop", "crm", "news-11" })
            await Rig.WriteAsync($"{id}.json", Json(id).ToJsonString());
        await Rig.WriteAsync("invoice.eml", "From: shop@example.com\r\nTo: ann@example.com\r\nSubject: Invoice\r\n\r\nHello\r\n");
        await Rig.WriteAsync("report.txt", "All is well.\n");
        await Rig.WriteAsync("report.pdf", "%PDF-1.4\n");
        await Rig.WriteAsync("token.txt", "00000000-0000-0000-0000-000000000000\n");
        await Rig.WriteAsync("bounces.csv", "address,reason\nnobody@example.com,5.1.1\n");
        await Rig.WriteAsync(
            "mail.yaml",
            "accounts:\n  second:\n    sandbox: true\npools:\n  two:\n    strategy: failover\n    accounts: [second]\n"
        );
        await Rig.WriteAsync("appsettings.json", """{ "Urls": "http://127.0.0.1:0" }""");
    }

    private async Task SendAsync(string id, object more)
    {
        var message = (JsonObject)System.Text.Json.JsonSerializer.SerializeToNode(more)!;
        message["id"] = id;
        message["from"] = "shop@example.com";
        message["to"] = "ann@example.com";
        message["subject"] = "Invoice";
        message["text"] = "x";
        await Rig.Daemon.PostAsync(message);
    }

    private async Task PutAsync(string path, object body)
    {
        using var answer = await Rig.Daemon.Http.PutAsJsonAsync("/v1/" + path, body);
        Assert.That(answer.IsSuccessStatusCode, $"PUT {path}: {await answer.Content.ReadAsStringAsync()}");
    }

    private async Task<JsonNode?> PostAsync(string path, object? body)
    {
        using var content = body is null ? null : JsonContent.Create(body);
        using var answer = await Rig.Daemon.Http.PostAsync("/v1/" + path, content);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.IsSuccessStatusCode || answer.StatusCode == HttpStatusCode.Conflict, $"POST {path}: {text}");
        return JsonNode.Parse(text);
    }

    private Task DropAsync(string path) => Rig.Daemon.SendAsync(HttpMethod.Delete, "/v1/" + path);

    /// <summary>The words of a command line as a shell takes them: blanks between, quotation marks around.</summary>
    public static string[] Split(string line)
    {
        var (words, word, isQuoted) = (new List<string>(), new StringBuilder(), false);
        foreach (var c in line + " ")
        {
            if (c == '"')
                isQuoted = !isQuoted;
            else if (c != ' ' || isQuoted)
                word.Append(c);
            else if (word.Length > 0)
            {
                words.Add(word.ToString());
                word.Clear();
            }
        }

        return [.. words];
    }
}
