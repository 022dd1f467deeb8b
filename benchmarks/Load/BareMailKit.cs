using MailKit.Net.Smtp;
using MailKit.Security;
using MailProxy.Benchmarks.Support;
using MimeKit;

namespace MailProxy.Benchmarks.Load;

/// <summary>
/// The baseline: what an application gets that calls MailKit itself over connections kept open, with one fresh message each, and remembers
/// nothing.
/// </summary>
internal sealed class BareMailKit(int connections) : IAsyncDisposable
{
    private readonly SmtpClient[] _clients = [.. Enumerable.Range(0, connections).Select(_ => new SmtpClient())];

    public static async Task<BareMailKit> ConnectAsync(int port, int connections = 8)
    {
        var loop = new BareMailKit(connections);
        foreach (var client in loop._clients)
            await client.ConnectAsync("127.0.0.1", port, SecureSocketOptions.None);
        return loop;
    }

    public Task SendAsync(int messages, string text) => SendAsync(messages, () => new TextPart("plain") { Text = text });

    /// <summary>With an attachment that is in memory.</summary>
    public Task SendAsync(int messages, byte[] attachment) =>
        SendAsync(
            messages,
            () =>
                new Multipart("mixed")
                {
                    new TextPart("plain") { Text = "Attached." },
                    new MimePart("application", "octet-stream")
                    {
                        Content = new MimeContent(new MemoryStream(attachment)),
                        ContentTransferEncoding = ContentEncoding.Base64,
                        FileName = "file.bin",
                    },
                }
        );

    private async Task SendAsync(int messages, Func<MimeEntity> body)
    {
        var left = messages;
        await Task.WhenAll(
            _clients.Select(client =>
                Task.Run(async () =>
                {
                    for (var n = Interlocked.Decrement(ref left); n >= 0; n = Interlocked.Decrement(ref left))
                    {
                        using var message = new MimeMessage();
                        message.From.Add(MailboxAddress.Parse(TestMail.From));
                        message.To.Add(MailboxAddress.Parse($"reader{n}@example.net"));
                        message.Subject = $"Your order {n}";
                        message.Body = body();
                        await client.SendAsync(message);
                    }
                })
            )
        );
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.DisconnectAsync(true);
            client.Dispose();
        }
    }
}
