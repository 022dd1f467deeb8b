using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Dashboard;

/// <summary>A file of suppressions that comes in by the page.</summary>
[TestFixture]
internal sealed class ImportTests : DaemonFixture
{
    private Person _person = null!;

    [SetUp]
    public void OpenBrowser() => _person = new(_daemon.Url);

    [TearDown]
    public void CloseBrowser() => _person.Dispose();

    [TestCase("one@example.org,left,\nnot an address\n@\ntwo.example\n", TestName = "Import_OfCsv")]
    [TestCase(
        "\ufeff{\"address\":\"one@example.org\",\"reason\":\"left\"}\n{\"address\":\"no\"}\n{}\n{\"domain\":\"two.example\"}",
        TestName = "Import_OfJson"
    )]
    public async Task Import_TakesTheLines_AndTellsWhichWereRefused(string lines)
    {
        await SignInAsync();

        var (status, view) = await ImportAsync(lines);

        Assert.That(status, Is.EqualTo(HttpStatusCode.Redirect));
        var shown = await _person.Http.GetStringAsync(view);
        Assert.That(shown, Does.Contain("2 added, 0 replaced, 2 refused"));
        Assert.That(shown, Does.Contain("<td>2</td>").And.Contain("<td>3</td>").And.Contain("two.example"));
        Assert.That(await ListedAsync(), Is.EquivalentTo(new[] { "one@example.org", "two.example" }));
        using var other = new Person(_daemon.Url);
        await other.SignInAsync(await _daemon.MakeTenantAsync("acme"));
        Assert.That(await other.Http.GetStringAsync(view), Does.Not.Contain("refused"), "another tenant's result");
    }

    [Test]
    public async Task Import_IsReadWhileItComes()
    {
        await SignInAsync();
        var more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var file = new HeldContent(Lines(0, 2_000), more.Task, Lines(2_000, 10));

        var importing = SendAsync(file, await TokenAsync());
        await Eventually.BecomesAsync(async () => (await ListedAsync()).Count, static count => count > 0);
        Assert.That(importing.IsCompleted, Is.False);
        more.SetResult();
        using var answer = await importing;

        Assert.That(await _person.Http.GetStringAsync(answer.Headers.Location), Does.Contain("2,010 added, 0 replaced, 0 refused"));
    }

    [Test]
    public async Task Import_OfAMillionLines_IsTaken()
    {
        const int Blocks = 1_000;
        await SignInAsync();
        var file = new BlockContent(Blocks, static n => Lines(n * 1_000, 1_000));

        using var answer = await SendAsync(file, await TokenAsync());

        Assert.That(
            await _person.Http.GetStringAsync(answer.Headers.Location),
            Does.Contain("1,000,000 added, 0 replaced, 0 refused")
        );
    }

    [Test]
    public async Task Import_WithoutTheTokenOfItsForm_IsRefused()
    {
        await SignInAsync();
        await TokenAsync();
        foreach (var token in new[] { null, "", "forged" })
        {
            using var answer = await SendAsync(new ByteArrayContent(Lines(0, 1)), token);
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest), token);
        }

        using var plain = await _person.Http.PostAsync("/ui/import", Person.Fields(("file", "a@example.org")));
        Assert.That(plain.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(await ListedAsync(), Is.Empty);
    }

    [Test]
    public async Task Import_WithoutSignIn_IsRefused()
    {
        using var answer = await SendAsync(new ByteArrayContent(Lines(0, 1)), "any");
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task Import_ByAKeyThatReads_IsRefusedInWords_AndTheButtonIsOff()
    {
        using var made = await _daemon.Http.PostAsJsonAsync("/v1/tenants/default/keys", new { name = "r", scopes = new[] { "read" } });
        await _person.SignInAsync((string)JsonNode.Parse(await made.Content.ReadAsStringAsync())!["key"]!);
        Assert.That(await _person.Http.GetStringAsync("/ui/suppressions"), Does.Contain("<button disabled>Import</button>"));

        var (_, view) = await ImportAsync("one@example.org");

        Assert.That(await _person.Http.GetStringAsync(view), Does.Contain("The key needs the scope manage."));
        Assert.That(await ListedAsync(), Is.Empty);
    }

    [Test]
    public async Task Import_ForAnotherTenant_OfAnAdmin_IsThatTenants()
    {
        using var acme = _daemon.As(await _daemon.MakeTenantAsync("acme"));
        await SignInAsync();

        using var answer = await SendAsync(new ByteArrayContent(Lines(0, 3)), await TokenAsync(), "acme");

        Assert.That(answer.Headers.Location!.ToString(), Does.EndWith("&tenant=acme"));
        Assert.That(await ListedAsync(), Is.Empty);
        Assert.That(JsonNode.Parse(await acme.GetStringAsync("/v1/suppressions"))!["data"]!.AsArray(), Has.Count.EqualTo(3));
    }

    private static byte[] Lines(int from, int count) =>
        Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(from, count).Select(static i => $"reader-{i}@mail.example.org,gone away\n")));

    private Task SignInAsync() => _person.SignInAsync(TestDaemon.Key);

    private async Task<string> TokenAsync() => Person.Token(await _person.Http.GetStringAsync("/ui/suppressions"));

    private async Task<(HttpStatusCode Status, Uri? View)> ImportAsync(string lines)
    {
        using var answer = await SendAsync(new ByteArrayContent(Encoding.UTF8.GetBytes(lines)), await TokenAsync());
        return (answer.StatusCode, answer.Headers.Location);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpContent file, string? token, string tenant = "")
    {
        using var form = new MultipartFormDataContent();
        if (token is not null)
            form.Add(new StringContent(token), "__RequestVerificationToken");
        form.Add(new StringContent(tenant), "tenant");
        form.Add(file, "file", "list.txt");
        return await _person.Http.PostAsync("/ui/import", form);
    }

    private async Task<List<string>> ListedAsync() =>
        [
            .. (await _daemon.GetAsync("/v1/suppressions"))["data"]!
                .AsArray()
                .Select(static row => (string)(row!["address"] ?? row["domain"])!),
        ];

    /// <summary>A beginning, and what comes after it when it may.</summary>
    private sealed class HeldContent(byte[] first, Task may, byte[] rest) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(first);
            await stream.FlushAsync();
            await may;
            await stream.WriteAsync(rest);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    /// <summary>Blocks that are made as they are sent.</summary>
    private sealed class BlockContent(int count, Func<int, byte[]> make) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (var n = 0; n < count; n++)
                await stream.WriteAsync(make(n));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
