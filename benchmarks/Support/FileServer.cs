using System.Buffers.Binary;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailProxy.Benchmarks.Support;

/// <summary>
/// A web server with a file of any size under any number, <c>/{bytes}/{number}</c>; no two numbers have the same content.
/// </summary>
internal sealed class FileServer : IAsyncDisposable
{
    private static readonly byte[] Block = Random();

    private readonly WebApplication _app;

    private FileServer(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.First());

    public static async Task<FileServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.Configure<HostOptions>(static options => options.ShutdownTimeout = TimeSpan.Zero);
        var app = builder.Build();
        app.MapGet("/{bytes:int}/{number:int}", static (int bytes, int number, HttpContext http) => WriteAsync(bytes, number, http));
        await app.StartAsync();
        return new(app);
    }

    /// <summary>What stands under a number.</summary>
    public static byte[] Content(int bytes, int number)
    {
        var content = new byte[bytes];
        BinaryPrimitives.WriteInt32LittleEndian(content, number);
        for (var at = 4; at < bytes; at += Block.Length)
            Block.AsSpan(0, Math.Min(Block.Length, bytes - at)).CopyTo(content.AsSpan(at));
        return content;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static async Task WriteAsync(int bytes, int number, HttpContext http)
    {
        http.Response.ContentLength = bytes;
        var first = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(first, number);
        await http.Response.Body.WriteAsync(first);
        for (var left = bytes - 4; left > 0; left -= Block.Length)
            await http.Response.Body.WriteAsync(Block.AsMemory(0, Math.Min(Block.Length, left)));
    }

    private static byte[] Random()
    {
        var block = new byte[64 * 1024];
        new Random(1).NextBytes(block);
        return block;
    }
}
