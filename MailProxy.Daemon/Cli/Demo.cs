using System.Globalization;
using System.Security.Cryptography;
using MailProxy.Daemon.Hosting;
using Spectre.Console;

namespace MailProxy.Daemon.Cli;

/// <summary>The command <c>demo</c>: runs a daemon on a free port with a temporary directory, and posts mail to it.</summary>
internal static class Demo
{
    private const int DefaultMessages = 1_000;

    public static async Task<int> RunAsync(string[] args)
    {
        if (Messages(args) is not { } messages)
        {
            Console.Error.WriteLine("mailproxy: demo takes at most one argument, the number of messages (1 to 100000).");
            return 2;
        }

        var data = Directory.CreateTempSubdirectory("mailproxy-demo-").FullName;
        try
        {
            var settings = new DaemonSettings
            {
                Data = data,
                Urls = "http://127.0.0.1:0",
                AdminKey = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
                Log = new() { Level = "Error" },
            };
            await using var app = await DaemonApp.BuildAsync(settings);
            await app.StartAsync();
            using var interrupted = new CancellationTokenSource();
            Console.CancelKeyPress += (_, press) =>
            {
                press.Cancel = true;
                interrupted.Cancel();
            };
            var result = await new DemoCommand(AnsiConsole.Console, TimeProvider.System).RunAsync(
                new Uri(app.Urls.First()),
                settings.AdminKey,
                messages,
                interrupted.Token
            );
            await app.StopAsync(CancellationToken.None);
            return result;
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static int? Messages(string[] args) =>
        args switch
        {
            [] => DefaultMessages,
            [var text]
                when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= 100_000 =>
                number,
            _ => null,
        };
}
