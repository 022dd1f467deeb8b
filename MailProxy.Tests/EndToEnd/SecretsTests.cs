using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Every kind of secret goes through the daemon while it says all it can; none is in what it prints, answers, or keeps on disk.</summary>
internal sealed class SecretsTests
{
    private const string Secret = "hunter2-Xk49-recognisable";

    [Test]
    public async Task Secrets_OfEveryKind_AreNowhereButWhereTheyBelong()
    {
        using var directory = new TempDirectory();
        await using var daemon = DaemonProcess.Start(directory, ("LOG__LEVEL", "Verbose"));
        await daemon.ListeningAsync();
        var answers = new StringBuilder();
        foreach (var (path, body) in new (string, object)[]
        {
            ("/v1/accounts/a", new { host = "127.0.0.1", port = 9, security = "none", auth = new { user = "u", password = Secret + 1 } }),
            ("/v1/volumes/v", new { backend = "s3", config = new { bucket = "letters", region = "eu-central-1", access_key = "AKIA", secret_key = Secret + 2 } }),
            ("/v1/volumes/w", new { backend = "http", config = new { base_url = "https://x.example/", auth = new { bearer = Secret + 3 } } }),
            ("/v1/webhooks/h", new { url = "https://x.example/", auth = new { user = "u", password = Secret + 4 }, secret = "whsec_" + Convert.ToBase64String(Encoding.ASCII.GetBytes(Secret + "-hook")) }),
            ("/v1/tenants/default", new { name = "Default", attachment_endpoint = new { url = "https://x.example/", auth = new { header = "X-Key", value = Secret + 5 } } }),
        })
        {
            using var put = await daemon.Http.PutAsJsonAsync(path, body);
            Assert.That((int)put.StatusCode, Is.AnyOf(200, 201), await put.Content.ReadAsStringAsync());
            answers.Append(await daemon.Http.GetStringAsync(path));
        }

        var key = (string)JsonNode.Parse(await (await daemon.Http.PostAsJsonAsync("/v1/tenants/default/keys", new { name = "k", scopes = new[] { "read" } })).Content.ReadAsStringAsync())!["key"]!;
        using var wrong = await daemon.Http.PutAsJsonAsync("/v1/accounts/b", new { host = 5, auth = new { user = "u", password = Secret + 6 } });
        answers.Append(await wrong.Content.ReadAsStringAsync());
        foreach (var path in new[] { "/v1/accounts/a/test", "/v1/volumes/w/test", "/v1/webhooks/h/test" }) answers.Append(await (await daemon.Http.PostAsync(path, null)).Content.ReadAsStringAsync());
        answers.Append(await daemon.Http.GetStringAsync("/v1/audit")).Append(await daemon.Http.GetStringAsync("/metrics"));
        await daemon.SignalAsync("TERM");
        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);

        var hidden = new[] { Secret, Convert.ToBase64String(Encoding.ASCII.GetBytes(Secret + "-hook")), key };
        using (Assert.EnterMultipleScope())
        {
            foreach (var secret in hidden)
            {
                Assert.That(daemon.Output, Does.Not.Contain(secret));
                Assert.That(answers.ToString(), Does.Not.Contain(secret));
                foreach (var file in Directory.GetFiles(directory, "*", SearchOption.AllDirectories))
                {
                    Assert.That((await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(Encoding.ASCII.GetBytes(secret)), Is.EqualTo(-1), file);
                }
            }
        }
    }
}
