using System.Diagnostics;
using MailProxy.Benchmarks.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailProxy.Benchmarks.Load;

/// <summary>
/// A bare Kestrel endpoint in a process of its own: parses the same JSON into objects, answers as the daemon does, and stores nothing.
/// </summary>
internal sealed class BareEndpoint : IDisposable
{
    /// <summary>The word that makes this program be the endpoint.</summary>
    public const string Verb = "bare-endpoint";

    private readonly Process _process;

    private BareEndpoint(Process process, Uri address) => (_process, Address) = (process, address);

    public Uri Address { get; }

    public int Id => _process.Id;

    public static async Task<BareEndpoint> StartAsync()
    {
        var address = new Uri($"http://127.0.0.1:{DaemonProcess.FreePort()}");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        foreach (var argument in new[] { typeof(BareEndpoint).Assembly.Location, Verb, address.ToString() })
            start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;

        // It says one line when it listens.
        if (await process.StandardOutput.ReadLineAsync() is null)
            throw new InvalidOperationException("The bare endpoint did not start.");
        return new(process, address);
    }

    public static async Task<int> ServeAsync(string address)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address);
        await using var app = builder.Build();
        app.MapPost(
            "/v1/messages",
            static (Mail mail) =>
                TypedResults.Json(
                    new Receipt(Guid.CreateVersion7().ToString("N"), "queued", DateTime.UtcNow),
                    statusCode: mail.To is null ? 422 : 202
                )
        );
        app.MapPost(
            "/v1/messages/batch",
            static (Batch batch) =>
                TypedResults.Json(
                    new Receipts([.. batch.Messages.Select((_, i) => new Item(i, Guid.CreateVersion7().ToString("N"), "queued"))])
                )
        );
        await app.StartAsync();
        Console.WriteLine("listening");
        await ((IHost)app).WaitForShutdownAsync();
        return 0;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    internal sealed record Mail(string? Account, string? From, string? To, string? Subject, string? Text);

    internal sealed record Batch(Mail[] Messages);

    internal sealed record Receipt(string Id, string Status, DateTime CreatedAt);

    internal sealed record Item(int Index, string Id, string Status);

    internal sealed record Receipts(Item[] Results);
}
