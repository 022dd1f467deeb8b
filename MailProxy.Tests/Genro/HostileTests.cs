using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Genro;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Whatever a client sends, it is told what is wrong with it: no route fails.</summary>
internal sealed class HostileTests : GenroFixture
{
    private static readonly string[] Values =
    [
        "null",
        "true",
        "5",
        "-1",
        "1e400",
        "99999999999999999999999999",
        "9000000000000000",
        "\"\"",
        "\"a b\"",
        "\"\\u0000\"",
        "\"*\"",
        "\"../../x\"",
        "\"ünï\\ud83d\\ude00\"",
        "[]",
        "[[]]",
        "[null,5,\"x\",{},[]]",
        "{}",
        "{\"a\":{\"b\":[{}]}}",
        "\"" + new string('x', 70_000) + "\"",
        "[" + string.Join(',', Enumerable.Repeat("\"x\"", 3_000)) + "]",
    ];

    private static readonly string[] Bodies =
    [
        "",
        " ",
        "null",
        "5",
        "\"x\"",
        "[]",
        "[{}]",
        "{",
        "{}}",
        "{\"a\":1,}",
        "{\"messages\":[{\"id\":\"\\ud800\"}]}",
        new string('[', 5_000),
        "{\"a\":" + new string('[', 200) + new string(']', 200) + "}",
    ];

    private static readonly string[] Posts =
    [
        "/commands/suspend",
        "/commands/activate",
        "/commands/add-messages",
        "/commands/delete-messages",
        "/commands/cleanup-messages",
        "/account",
        "/volume",
        "/tenant",
    ];

    protected override string Versions => "A,B,C";

    protected override (string Name, string Value)[] Settings => [.. base.Settings, ("Genro:DefaultTenant", "first")];

    [Test]
    public async Task Body_ThatIsNone_IsRefused()
    {
        using (Assert.EnterMultipleScope())
        {
            foreach (
                var path in Posts.Concat(Generated.Where(static route => route.Method == "POST").Select(static route => "/" + route.Path))
            )
            {
                foreach (var body in Bodies)
                    await ExpectAsync(HttpMethod.Post, path, body);
            }
        }
    }

    [Test]
    public async Task Parameter_OfAnyKind_IsTakenOrRefused()
    {
        await MakeTenantAsync("acme", reports: false);
        using (Assert.EnterMultipleScope())
        {
            foreach (var route in Generated)
            {
                foreach (var parameter in route.Parameters)
                {
                    foreach (var value in Values)
                        await TryAsync(route, parameter.Name, value);
                }
            }
        }
    }

    [TestCase("/commands/add-messages", "messages", true)]
    [TestCase("/account", "", false)]
    [TestCase("/volume", "", false)]
    public async Task Member_OfAnyKind_IsTakenOrRefused(string path, string list, bool isListed)
    {
        JsonObject whole = path switch
        {
            "/volume" => new()
            {
                ["name"] = "v",
                ["backend"] = "s3",
                ["config"] = new JsonObject { ["bucket"] = "my-bucket" },
                ["account_id"] = "a",
            },
            "/account" => new()
            {
                ["id"] = "a",
                ["host"] = "h",
                ["port"] = 25,
                ["use_tls"] = true,
                ["user"] = "u",
                ["password"] = "p",
            },
            _ => Message(
                "m",
                "first",
                new
                {
                    cc = "c",
                    headers = new { },
                    attachments = Array.Empty<int>(),
                    deferred_ts = 1,
                    priority = 1,
                }
            ),
        };
        whole.Remove("tenant_id");
        using (Assert.EnterMultipleScope())
        {
            foreach (var name in whole.Select(static one => one.Key).ToArray())
            {
                foreach (var value in Values)
                {
                    var body = With(whole, name, value);
                    await ExpectAsync(HttpMethod.Post, path, isListed ? $$"""{"{{list}}":[{{body}},null,5,[]]}""" : body);
                }
            }

            foreach (var value in Values.Where(_ => isListed))
                await ExpectAsync(HttpMethod.Post, path, $$"""{"{{list}}":{{value}},"default_priority":{{value}}}""");
        }
    }

    [Test]
    public async Task Messages_MoreThanAThousand_AreRefusedInEachVersion()
    {
        var many = "{\"messages\":[" + string.Join(',', Enumerable.Repeat("{}", 1_001)) + "]}";
        foreach (var path in new[] { "/commands/add-messages", "/messages/add_batch" })
            Assert.That((int)(await PostAsync(path, many)).Status, Is.EqualTo(400), path);
    }

    private IReadOnlyList<GeneratedRoute> Generated => _daemon.Services.GetRequiredService<GeneratedRoutes>().All;

    private async Task TryAsync(GeneratedRoute route, string name, string value)
    {
        if (route.Method == "POST")
        {
            await ExpectAsync(HttpMethod.Post, "/" + route.Path, With(Usual(route), name, value));
            return;
        }

        var query = Usual(route)
            .Where(one => one.Key != name)
            .Select(static one => $"{one.Key}={one.Value}")
            .Append($"{name}={Uri.EscapeDataString(value.Length > 2_000 ? value[..2_000] : value.Trim('"'))}");
        await ExpectAsync(HttpMethod.Get, $"/{route.Path}?{string.Join('&', query)}", null);
    }

    // Valid but for one parameter, so that the others do not hide it.
    private static JsonObject Usual(GeneratedRoute route)
    {
        var body = new JsonObject();
        foreach (var parameter in route.Parameters)
        {
            body[parameter.Name] = parameter.Kind switch
            {
                GeneratedKind.Whole => 1,
                GeneratedKind.Flag => true,
                GeneratedKind.Object => new JsonObject(),
                GeneratedKind.Texts or GeneratedKind.Objects => new JsonArray(),
                _ when parameter.Name == GeneratedRoute.TenantName => "acme",
                _ when parameter.Choices.Length > 0 => parameter.Choices[0],
                _ => "x",
            };
        }

        return body;
    }

    private static string With(JsonObject whole, string name, string value)
    {
        var others = whole
            .Where(one => one.Key != name)
            .Select(static one => $"{JsonSerializer.Serialize(one.Key)}:{one.Value?.ToJsonString() ?? "null"}");
        return "{" + string.Join(',', others.Append($"{JsonSerializer.Serialize(name)}:{value}")) + "}";
    }

    private async Task ExpectAsync(HttpMethod method, string path, string? body)
    {
        var (status, answer) = await CallAsync(method, path, body);
        var said = $"{method} {path} {(body?.Length > 300 ? body[..300] : body)}: {(int)status} {answer?.ToJsonString()}";
        Assert.That((int)status, Is.LessThan(500), said);
        if ((int)status >= 400)
            Assert.That((answer as JsonObject)?["detail"], Is.Not.Null, said);
    }
}
