using System.Diagnostics;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.Docs;

/// <summary>Runs each document's shell blocks in order, as somebody does who reads it from top to bottom with a fresh daemon.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class DocumentRunTests
{
    private const string WrittenUrl = "http://127.0.0.1:8000";

    [TestCaseSource(typeof(Document), nameof(Document.WithRunnableBlocks))]
    public async Task Blocks_RunInOrder_SucceedAndAnswerWhatTheySay(Document document)
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(Path.Combine(directory, "data"), ("AdminKey", ""));
        using (var key = RSA.Create(2048))
            await File.WriteAllTextAsync(Path.Combine(directory, "dkim.pem"), key.ExportRSAPrivateKeyPem() + "\n");

        // The database of whoever moves a store.
        if (document.Text.Contains("./storage", StringComparison.Ordinal))
            await File.WriteAllTextAsync(
                Path.Combine(directory, "storage"),
                PostgresServer.Shared.ConnectionString(PostgresServer.Shared.MakeDatabase(isEmpty: true))
            );

        // The program by its name, as it is where it is installed.
        var program = Path.Combine(Directory.CreateDirectory(Path.Combine(directory, "bin")).FullName, "mailproxy");
        await File.WriteAllTextAsync(
            program,
            $"#!/bin/sh\nexec dotnet '{Path.Combine(AppContext.BaseDirectory, "mailproxy.dll")}' \"$@\"\n"
        );
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        // An answer of 400 and above ends a block.
        await File.WriteAllTextAsync(Path.Combine(directory, ".curlrc"), "fail-with-body\nmax-time = 30\n");
        var prelude = "";
        foreach (var block in document.Blocks)
        {
            var place = $"{document.Path}:{block.Line}";
            if (block.Remark.StartsWith("body: ", StringComparison.Ordinal))
                await TakesAsync(daemon, block, place);
            if (block.Language != "sh")
                continue;
            var (exitCode, output) = await BashAsync(
                directory,
                (prelude + block.Text).Replace(WrittenUrl, daemon.Url, StringComparison.Ordinal)
            );
            Assert.That(exitCode, Is.Zero, $"{place}: {output}");
            if (block.Remark == "prelude")
                prelude = block.Text;
            else
                Assert.That(output, Does.Contain(block.Remark["answers: ".Length..]), place);
            await RestAsync(daemon);
        }

        await daemon.StopAsync();
    }

    [Test]
    public void Documents_ThatAreRun_AreThere() => Assert.That(Document.WithRunnableBlocks.Count(), Is.GreaterThan(5));

    /// <summary>A body that the text shows by itself: the daemon takes it.</summary>
    private static async Task TakesAsync(TestDaemon daemon, Block block, string place)
    {
        var (method, path) = block.Remark["body: ".Length..].Split(' ') is [var verb, var target] ? (verb, target) : default;
        using var request = new HttpRequestMessage(new(method), path)
        {
            Content = new StringContent(block.Text, Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue(
            "Bearer",
            (await File.ReadAllTextAsync(Path.Combine(daemon.Data, "admin.key"))).Trim()
        );
        using var answer = await daemon.Http.SendAsync(request);
        Assert.That(answer.IsSuccessStatusCode, $"{place}: {await answer.Content.ReadAsStringAsync()}");
    }

    private static async Task<(int ExitCode, string Output)> BashAsync(string directory, string script)
    {
        var info = Run.Info("bash", "-euo", "pipefail", "-c", script);
        info.WorkingDirectory = directory;
        info.Environment["HOME"] = directory;
        info.Environment["CURL_HOME"] = directory;
        info.Environment["PATH"] = $"{Path.Combine(directory, "bin")}:{info.Environment["PATH"]}";
        using var bash = Process.Start(info)!;
        bash.StandardInput.Close();
        var output = bash.StandardOutput.ReadToEndAsync();
        var error = bash.StandardError.ReadToEndAsync();
        await bash.WaitForExitAsync().WaitAsync(TestDaemon.Deadline);
        return (bash.ExitCode, await output + await error);
    }

    /// <summary>Waits until no message is ready to be sent, which is what "a moment later" means to a reader.</summary>
    private static async Task RestAsync(TestDaemon daemon)
    {
        var log = daemon.Services.GetRequiredService<IDeliveryLog>();
        using var deadline = new CancellationTokenSource(TestDaemon.Deadline);
        var states = new Dictionary<string, MessageState>();
        for (long position = 0; ; )
        {
            var (events, through) = await log.ReadAsync("default", position, 1000);
            foreach (var one in events.Where(e => e.MessageId is not null))
                states[one.MessageId!] = one.Status;
            if (through > position)
                position = through;
            else if (!states.ContainsValue(MessageState.Queued))
                return;
            else
                await log.WaitBeyondAsync(position, deadline.Token);
        }
    }
}
