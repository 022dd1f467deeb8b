using MailProxy.Daemon.Cli;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>What is configured, made what a file says.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ApplyTests
{
    private const string Whole = """
        tenants:
          shop: { name: Shop }
        accounts:
          relay:
            host: smtp.example.com
            port: 587
            security: starttls
            auth: { user: shop, password: { from_file: relay.pw } }
            limits: { per_second: 10 }
            from_allowed: ["@example.com"]
          spare: { sandbox: true }
        pools:
          both: { strategy: failover, accounts: [relay, spare] }
        volumes:
          pages: { backend: http, config: { base_url: https://files.example.com/ } }
        webhooks:
          crm: { url: https://crm.example.com/hook, types: [message.sent] }
        batches:
          news: { suspended: true }
        suppressions:
          - { address: gone@example.com, reason: gone }
        ---
        tenant: shop
        accounts:
          own: { sandbox: true }
        """;

    private CliRig _rig = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _rig = await CliRig.StartAsync();
        await _rig.WriteAsync("mail.yaml", Whole);
        await _rig.WriteAsync("relay.pw", "correct horse\n");
    }

    [TearDown]
    public async Task StopAsync() => await _rig.DisposeAsync();

    [Test]
    public async Task DryRun_ShowsAllAndChangesNothing()
    {
        var result = await _rig.ExpectAsync(0, "apply", "--file", "mail.yaml", "--dry-run");
        Assert.That(result.Out, Does.Contain("+ accounts/relay").And.Contain("+ host: smtp.example.com").And.Contain("9 to make"));
        Assert.That(result.Out, Does.Contain("+ accounts/own (tenant shop)").And.Contain("+ auth.password: (given)"));
        Assert.That(result.Out, Does.Not.Contain("correct horse"));
        await _rig.ExpectAsync(ExitCode.NotFound, "accounts", "show", "relay");
    }

    [Test]
    public async Task File_Applied_IsThereAndHasNothingMoreToDoButItsSecret()
    {
        await _rig.ExpectAsync(0, "apply", "--file", "mail.yaml", "--yes");
        var account = (await _rig.ExpectAsync(0, "accounts", "show", "relay", "--json")).Json;
        Assert.That(account["auth"]!["password_set"]!.GetValue<bool>());
        Assert.That((await _rig.ExpectAsync(0, "accounts", "list", "--tenant", "shop", "--json")).Out, Does.Contain("\"own\""));
        Assert.That((await _rig.ExpectAsync(0, "suppressions", "list")).Out, Does.Contain("gone@example.com"));

        var again = await _rig.ExpectAsync(0, "apply", "--file", "mail.yaml", "--dry-run");
        Assert.That(
            again.Out.Split('\n').Where(static line => line.StartsWith('~') || line.StartsWith('+')),
            Is.EqualTo(new[] { "~ accounts/relay" })
        );
        Assert.That(again.Out, Does.Contain("0 to make, 1 to replace, 0 to delete, 8 as they are."));
    }

    [Test]
    public async Task Export_Applied_HasNothingToDo()
    {
        await _rig.ExpectAsync(0, "apply", "--file", "mail.yaml", "--yes");
        await _rig.ExpectAsync(0, "export", "--suppressions", "--output", "all.yaml");
        var text = await _rig.ReadAsync("all.yaml");
        Assert.That(text, Does.Contain("# stored, not exported: accounts.relay.auth.password").And.Contain("smtp.example.com"));
        Assert.That(text, Does.Not.Contain("password_set").And.Not.Contain("correct horse").And.Not.Contain("circuit"));
        Assert.That((await _rig.ExpectAsync(0, "apply", "--file", "all.yaml", "--dry-run")).Out, Does.StartWith("Nothing to do:"));

        await _rig.ExpectAsync(0, "export", "--json", "--output", "all.json");
        Assert.That((await _rig.ExpectAsync(0, "apply", "--file", "all.json", "--dry-run")).Out, Does.StartWith("Nothing to do:"));
    }

    [Test]
    public async Task Secret_LeftOut_IsKept()
    {
        await _rig.ExpectAsync(0, "apply", "--file", "mail.yaml", "--yes");
        await _rig.WriteAsync(
            "one.yaml",
            "accounts:\n  relay: { host: smtp.example.com, port: 587, security: starttls, auth: { user: shop }, max_connections: 3 }\n"
        );
        var result = await _rig.ExpectAsync(0, "apply", "--file", "one.yaml", "--yes");
        Assert.That(result.Out, Does.Contain("~ max_connections: 8 -> 3").And.Contain("- limits").And.Contain("accounts/relay: replaced"));
        var account = (await _rig.ExpectAsync(0, "accounts", "show", "relay", "--json")).Json;
        Assert.That(account["auth"]!["password_set"]!.GetValue<bool>());
    }

    [Test]
    public async Task Prune_DeletesWhatTheFileLeavesOut_OfItsKinds()
    {
        await _rig.ExpectAsync(0, "apply", "--file", "mail.yaml", "--yes");
        await _rig.WriteAsync("less.yaml", "accounts:\n  spare: { sandbox: true }\npools: {}\n");
        var result = await _rig.ExpectAsync(0, "apply", "--file", "less.yaml", "--prune", "--yes");
        Assert.That(result.Out, Does.Contain("pools/both: deleted").And.Contain("accounts/relay: deleted"));
        Assert.That((await _rig.ExpectAsync(0, "accounts", "list", "--json")).Out, Does.Contain("\"sandbox\"").And.Contain("\"spare\""));
        await _rig.ExpectAsync(0, "webhooks", "show", "crm");
    }

    [Test]
    public async Task Variable_StandsForASecret()
    {
        await _rig.WriteAsync(
            "env.yaml",
            "accounts:\n  relay: { host: h.example.com, port: 587, security: starttls, auth: { user: u, password: { from_env: RELAY } } }\n"
        );
        Assert.That((await _rig.ExpectAsync(2, "apply", "--file", "env.yaml", "--yes")).Error, Does.Contain("there is no variable RELAY"));
        _rig.Variables["RELAY"] = "secret word";
        Assert.That((await _rig.ExpectAsync(0, "apply", "--file", "env.yaml", "--yes")).Out, Does.Not.Contain("secret word"));
    }

    [Test]
    public async Task Plan_InJson_NamesEachChange()
    {
        var result = await _rig.ExpectAsync(0, "apply", "--file", "mail.yaml", "--dry-run", "--json");
        Assert.That(result.Json["changes"]!.AsArray().Select(static one => (string?)one!["name"]).First(), Is.EqualTo("tenants/shop"));
    }

    [Test]
    public async Task Refusal_InTheMiddle_NamesTheThingAndHowFarItCame()
    {
        await _rig.WriteAsync("bad.yaml", "accounts:\n  a: { sandbox: true }\n  b: { host: 'x y', port: 1, security: none }\n");
        var result = await _rig.ExpectAsync(ExitCode.Usage, "apply", "--file", "bad.yaml", "--yes");
        Assert.That(result.Error, Does.Contain("accounts/b: ").And.Contain("1 of 2 changes were applied"));
    }

    [TestCase("accounts: [a]", "accounts must be an object: each account by its id")]
    [TestCase("accounts: { a: 1 }", "accounts.a must be an object")]
    [TestCase("acounts: {}", "'acounts' is not known. There may be: tenant, tenants, volumes, accounts")]
    [TestCase("a: [", "line 2, column 1: ")]
    [TestCase("- a", "has no object in it")]
    [TestCase("a: 1\na: 2", "Duplicate key")]
    [TestCase("suppressions: {}", "suppressions must be a list of objects")]
    [TestCase("tenant: 5", "tenant must be text")]
    public async Task File_Wrong_IsSaidWithItsPlace(string text, string says)
    {
        await _rig.WriteAsync("wrong.yaml", text);
        Assert.That((await _rig.ExpectAsync(ExitCode.Usage, "apply", "--file", "wrong.yaml")).Error, Does.Contain(says));
    }
}
