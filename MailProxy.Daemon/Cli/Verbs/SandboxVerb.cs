using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Sandbox;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The command <c>sandbox</c>: the SMTP catcher alone, without a daemon, for programs under test.</summary>
internal static class SandboxVerb
{
    private const int DefaultPort = 2525;

    public static Verb Make()
    {
        var port = Words.Number("--port", "PORT", $"On 127.0.0.1; {DefaultPort} without it, 0 is any free one.", 0, 65_535);
        var save = Words.Text("--save", "DIR", "Write each mail there, as 1.eml, 2.eml and so on.");
        return new Verb("sandbox", "An SMTP server that takes every mail and delivers none: shows a line for each, until interrupted.")
        {
            Details =
                "For programs that send by SMTP themselves. Addresses rehearse refusals as they do in the daemon's own sandbox "
                + "(docs/guide/sending.md). A daemon has one of its own, account sandbox; this one needs no daemon.",
            Examples = ["mailproxy sandbox --port 0 --save ./mails"],
            IsEndless = true,
            Run = call => RunAsync(call, call.Get(port) ?? DefaultPort, call.Get(save)),
        }.With(port, save);
    }

    private static async Task<int> RunAsync(Call call, int port, string? save)
    {
        var directory = save is null ? null : System.IO.Directory.CreateDirectory(call.Terminal.PathOf(save)).FullName;
        var options = new SandboxOptions { Port = port };
        var mailbox = new SandboxMailbox(options);
        await using var server = new SandboxServer(mailbox, options, call.Clock, NullLogger.Instance);
        var place = await server.StartAsync();
        call.Done(new JsonObject { ["listening"] = place.ToString() }, $"Mail for {place} is caught here. Ctrl+C ends.");
        for (long seen = 0; ; seen++)
        {
            await mailbox.ReachedAsync(seen + 1).WaitAsync(call.Stop);
            if (mailbox.Find(seen + 1) is not { } mail)
                continue;
            if (directory is not null)
                await File.WriteAllBytesAsync(Path.Combine(directory, $"{mail.Id}.eml"), mail.Raw.ToArray(), call.Stop);
            Tell(call, mail);
        }
    }

    private static void Tell(Call call, SandboxMail mail)
    {
        var answer = new JsonObject
        {
            ["id"] = mail.Id,
            ["received_at"] = mail.ReceivedAt.UtcDateTime.ToString("O"),
            ["from"] = mail.From,
            ["to"] = new JsonArray([.. mail.Recipients.Select(static one => (JsonNode)one)]),
            ["subject"] = mail.Subject,
            ["size"] = mail.Size,
        };
        call.Done(answer, $"{mail.Id}  {mail.From} -> {string.Join(", ", mail.Recipients)}  {mail.Subject}  ({Cell.Bytes(mail.Size)})");
    }
}
