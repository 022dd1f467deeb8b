using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Where the daemon takes its master key from, how it changes, and what a start without the right one says.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class MasterKeyTests
{
    private readonly (string Text, string Id) _one = NewKey(),
        _two = NewKey(),
        _three = NewKey();

    private TempDirectory _directory = null!,
        _credentials = null!;

    private string KeyFile => Path.Combine(_directory, "master.key");

    [SetUp]
    public void Make() => (_directory, _credentials) = (new(), new());

    [TearDown]
    public void Remove()
    {
        _directory.Dispose();
        _credentials.Dispose();
    }

    [Test]
    public async Task Setting_TwoKeys_SealAnewAndSayThatTheOldMayGo()
    {
        await RunAsync(keep: true, ("MASTER_KEY", _one.Text));
        Assert.That(KeyFile, Does.Not.Exist);
        var both = await RunAsync(keep: false, ("MASTER_KEY", $"{_two.Text},{_one.Text}"));
        Assert.That(both, Does.Contain(_two.Id).And.Contain($"{_one.Id} may be taken out"));
        await RunAsync(keep: false, ("MASTER_KEY", _two.Text));
        await RefusedAsync([_two.Id, _one.Id, "MAILPROXY_MASTER_KEY"], _one.Text, ("MASTER_KEY", _one.Text));
    }

    [Test]
    public async Task File_MadeAtTheFirstStart_IsTakenAndRotatedInPlace()
    {
        await RunAsync(keep: true);
        var made = File.ReadAllText(KeyFile).Trim();
        await RunAsync(keep: false);
        File.WriteAllText(KeyFile, $"{_two.Text}\n{made}\n");
        Assert.That(await RunAsync(keep: false), Does.Contain("may be taken out"));
        File.WriteAllText(KeyFile, _two.Text + "\n");
        await RunAsync(keep: false);

        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
            Assert.That(await RunAsync(keep: false), Does.Contain(KeyFile).And.Contain("0604"));
        }

        File.WriteAllText(KeyFile, _three.Text);
        await RefusedAsync([_two.Id, _three.Id, KeyFile], _three.Text);
        File.WriteAllText(KeyFile, "not a key");
        await RefusedAsync([KeyFile, "malformed"], "not a key");
        File.Delete(KeyFile);
        await RefusedAsync([_two.Id, "MAILPROXY_MASTER_KEY (none)", MasterKeySources.Credential, KeyFile + " (none)"], "whsec_");
        Assert.That(KeyFile, Does.Not.Exist, "a key that opens nothing is not made");
    }

    [Test]
    public async Task Credential_OfSystemd_IsTakenAndRotatedInPlaceAndNothingElseIsWhenItIsWrong()
    {
        Credential(_one.Text);
        await RunAsync(keep: true, InService);
        Credential($"{_two.Text}\n{_one.Text}");
        Assert.That(await RunAsync(keep: false, InService), Does.Contain($"{_one.Id} may be taken out"));
        Credential(_two.Text);
        await RunAsync(keep: false, InService);

        // The file has the right key, but what was configured is looked at first, and wrong.
        File.WriteAllText(KeyFile, _two.Text);
        Credential("not a key");
        await RefusedAsync([MasterKeySources.Credential, "malformed"], "not a key", InService);
        Credential(_three.Text);
        await RefusedAsync([_two.Id, _three.Id, MasterKeySources.Credential], _three.Text, InService);
        await RefusedAsync(["MAILPROXY_MASTER_KEY", "malformed"], "also no key", InService, ("MASTER_KEY", "also no key"));
    }

    private (string, string) InService => ("$CREDENTIALS_DIRECTORY", _credentials.Path);

    private void Credential(string text) => File.WriteAllText(Path.Combine(_credentials, MasterKeySources.Credential), text + "\n");

    /// <summary>A start that succeeds: the account's password is stored, or still there. What it printed.</summary>
    private async Task<string> RunAsync(bool keep, params (string, string)[] settings)
    {
        await using var daemon = DaemonProcess.Start(_directory, settings);
        await daemon.ListeningAsync();
        if (keep)
            using (
                var put = await daemon.Http.PutAsJsonAsync(
                    "/v1/accounts/real",
                    new
                    {
                        host = "smtp.example.com",
                        port = 587,
                        security = "tls",
                        auth = new { user = "u", password = "p" },
                    }
                )
            )
                Assert.That((int)put.StatusCode, Is.EqualTo(201));
        var account = JsonNode.Parse(await daemon.Http.GetStringAsync("/v1/accounts/real"))!;
        Assert.That((bool)account["auth"]!["password_set"]!, Is.True);
        await daemon.SignalAsync("TERM");
        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);
        return daemon.Output;
    }

    private async Task RefusedAsync(string[] says, string never, params (string, string)[] settings)
    {
        await using var daemon = DaemonProcess.Start(_directory, settings);
        Assert.That(await daemon.ExitAsync(), Is.EqualTo(1), daemon.Output);
        foreach (var text in says)
            Assert.That(daemon.Output, Does.Contain(text));
        Assert.That(daemon.Output, Does.Not.Contain(never).And.Not.Contain("   at "));
    }

    private static (string, string) NewKey()
    {
        var text = Convert.ToBase64String(RandomNumberGenerator.GetBytes(MasterKey.Size));
        return (text, MasterKey.ParseList(text)!.Single().Id);
    }
}
