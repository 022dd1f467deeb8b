using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli;
using MailProxy.Daemon.Genro.Import;
using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline.Disk;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Configuration;
using NUnit.Framework;

namespace MailProxy.Tests.Genro.Import;

/// <summary>A database of genro-mail-proxy, and a data directory that it is imported into.</summary>
internal abstract class ImportFixture
{
    /// <summary>Of the tenant <c>acme</c>.</summary>
    protected const string Token = "0123456789abcdefghijABCDEFGHIJ-_0123456789a";

    private TempDirectory _directory = null!;
    private int _next;

    protected static readonly byte[] SealingKey = [.. Enumerable.Range(1, 32).Select(static n => (byte)n)];

    protected string File => Path.Combine(_directory, "mail_service.db");

    protected string Data => Path.Combine(_directory, "data");

    protected static long Now => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    [SetUp]
    public void MakeDirectory() => _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    protected OldDatabase Old(OldVersion version = OldVersion.Production) => new(File, version);

    protected static void AddTenant(OldDatabase old, string id = "acme", params (string, object?)[] more) =>
        old.Add("tenants", [("id", id), .. more]);

    protected static void AddAccount(OldDatabase old, string? tenant = "acme", string id = "main", params (string, object?)[] more)
    {
        (string, object?)[] values = [("id", id), ("host", "192.0.2.1"), ("port", 25), ("use_tls", 0), .. more];
        old.Add("accounts", tenant is null ? values : [("tenant_id", tenant), .. values]);
    }

    /// <summary>A tenant with an account.</summary>
    protected static void AddBoth(OldDatabase old)
    {
        AddTenant(old);
        AddAccount(old);
    }

    protected static JsonObject Payload(string id = "m", object? more = null)
    {
        var payload = new JsonObject
        {
            ["id"] = id,
            ["tenant_id"] = "acme",
            ["account_id"] = "main",
            ["from"] = "a@example.com",
            ["to"] = "b@example.org",
            ["subject"] = "Hello",
            ["body"] = "Text",
        };
        foreach (var (name, value) in more is null ? [] : JsonNode.Parse(System.Text.Json.JsonSerializer.Serialize(more))!.AsObject())
            payload[name] = value?.DeepClone();
        return payload;
    }

    /// <summary>Of production; returns its key.</summary>
    protected string AddMessage(OldDatabase old, string id = "m", object? payload = null, params (string, object?)[] more)
    {
        var key = $"pk-{_next++}";
        var values = new Dictionary<string, object?>
        {
            ["pk"] = key,
            ["id"] = id,
            ["tenant_id"] = "acme",
            ["account_id"] = "main",
            ["payload"] = payload as string ?? payload as byte[] as object ?? (payload as JsonObject ?? Payload(id)).ToJsonString(),
        };
        foreach (var (name, value) in more)
            values[name] = value;
        old.Add("messages", [.. values.Select(static one => (one.Key, one.Value))]);
        return key;
    }

    protected static void AddEvent(OldDatabase old, string key, string type, long at, params (string, object?)[] more) =>
        old.Add("message_events", [("message_pk", key), ("event_type", type), ("event_ts", at), .. more]);

    protected DaemonSettings Settings(params (string Name, string Value)[] more)
    {
        var values = new Dictionary<string, string?> { ["Data"] = Data };
        foreach (var (name, value) in more)
            values[name] = value;
        var (read, mistakes) = SettingsReader.Read(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        Assert.That(mistakes, Is.Empty);
        return read!;
    }

    protected Task<ImportTally> ImportAsync(
        string? tenant = null,
        bool merge = false,
        bool dryRun = false,
        Dictionary<string, string>? environment = null,
        params (string Name, string Value)[] settings
    ) =>
        ImportGenroCommand.RunAsync(
            File,
            new(tenant, merge, dryRun, name => environment?.GetValueOrDefault(name)),
            Settings(settings),
            static _ => { }
        );

    /// <summary>Nothing is imported; the reason is returned.</summary>
    protected async Task<string> RefusedAsync(string? tenant = null, bool merge = false, Dictionary<string, string>? environment = null)
    {
        try
        {
            await ImportAsync(tenant, merge, environment: environment);
        }
        catch (Exception error) when (error is ImportRefusedException or StoreRefusedException)
        {
            return error.Message;
        }

        Assert.Fail("It was imported.");
        return "";
    }

    /// <summary>What of a kind was left out.</summary>
    protected static string[] LeftOut(ImportTally tally, string kind) =>
        [.. tally.Listed.Where(one => one.Kind == kind).Select(static one => $"{one.Name}: {one.Why}")];

    /// <summary>Runs a daemon on what was imported.</summary>
    protected async Task<ImportedDaemon> StartAsync(params (string Name, string Value)[] more) =>
        new(
            await TestDaemon.StartAsync(
                Data,
                [("Genro:Enabled", "true"), ("Genro:AdminToken", "t"), ("Network:Allowed:0", "127.0.0.0/8"), .. more]
            )
        );
}
