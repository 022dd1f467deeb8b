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
        var page = Words.Number("--page", "PORT", "Show the mails in a browser, at this port of 127.0.0.1; 0 is any free one.", 0, 65_535);
        return new Verb("sandbox", "An SMTP server that takes every mail and delivers none: shows a line for each, until interrupted.")
        {
            Details =
                "For programs that send by SMTP themselves. Addresses rehearse refusals as they do in the daemon's own sandbox "
                + "(docs/guide/sending.md). A daemon has one of its own, account sandbox; this one needs no daemon. With --page it says "
                + "where the inbox is, and a key to sign in with, which is another one each time: "
                + "others on the machine cannot read the mail.",
            Examples = ["mailproxy sandbox --port 0 --save ./mails", "mailproxy sandbox --port 0 --page 0"],
            IsEndless = true,
            Run = call => RunAsync(call, call.Get(port) ?? DefaultPort, call.Get(save), call.Get(page)),
        }.With(port, save, page);
    }

    private static async Task<int> RunAsync(Call call, int port, string? save, int? page)
    {
        var directory = save is null ? null : System.IO.Directory.CreateDirectory(call.Terminal.PathOf(save)).FullName;
        var options = new SandboxOptions { Port = port };
        if (page is not { } at)
        {
            var mailbox = new SandboxMailbox(options);
            await using var server = new SandboxServer(mailbox, options, call.Clock, NullLogger.Instance);
            var place = await server.StartAsync();
            call.Done(new JsonObject { ["listening"] = place.ToString() }, $"Mail for {place} is caught here. Ctrl+C ends.");
            return await TellAllAsync(call, mailbox, directory);
        }

        await using var shown = await SandboxPage.StartAsync(options, at, call.Stop);
        var smtp = shown.Server.EndPoint!.ToString();
        call.Done(
            new JsonObject
            {
                ["listening"] = smtp,
                ["page"] = shown.Url.ToString(),
                ["key"] = shown.Key,
            },
            $"Mail for {smtp} is caught here. Ctrl+C ends.\nInbox: {shown.Url}\nKey to sign in: {shown.Key}"
        );
        return await TellAllAsync(call, shown.Server.Mailbox, directory);
    }

    private static async Task<int> TellAllAsync(Call call, SandboxMailbox mailbox, string? directory)
    {
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
