using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailProxy.Tests.Support;

/// <summary>One request as the file server got it.</summary>
internal sealed record FileRequest(string Method, string Host, string Target, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>
/// A real HTTP server on two free loopback ports, one with TLS and a certificate that nobody knows. It answers as it is told.
/// </summary>
internal sealed class LoopbackFiles : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly X509Certificate2 _certificate = NewCertificate();
    private readonly ConcurrentQueue<FileRequest> _requests = new();

    private LoopbackFiles()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(_certificate));
        });
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.Zero);
        _app = builder.Build();
        _app.Run(TakeAsync);
    }

    public int Port => new Uri(_app.Urls.First(url => url.StartsWith("http:", StringComparison.Ordinal))).Port;

    public int TlsPort => new Uri(_app.Urls.First(url => url.StartsWith("https:", StringComparison.Ordinal))).Port;

    public Func<HttpContext, Task> Answer { get; set; } = static _ => Task.CompletedTask;

    public IReadOnlyList<FileRequest> Requests => [.. _requests];

    public static async Task<LoopbackFiles> StartAsync()
    {
        var files = new LoopbackFiles();
        await files._app.StartAsync();
        return files;
    }

    public void Redirect(string path, string to, int status = 302)
    {
        var before = Answer;
        Answer = context =>
        {
            if (context.Request.Path != path)
                return before(context);
            context.Response.StatusCode = status;
            context.Response.Headers.Location = to;
            return Task.CompletedTask;
        };
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
        _certificate.Dispose();
    }

    private async Task TakeAsync(HttpContext context)
    {
        var request = context.Request;
        using var body = new StreamReader(request.Body);
        _requests.Enqueue(
            new(
                request.Method,
                request.Host.Value!,
                context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget,
                request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase),
                await body.ReadToEndAsync()
            )
        );
        await Answer(context);
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("*.example");
        var request = new CertificateRequest("CN=files", key, HashAlgorithmName.SHA256) { CertificateExtensions = { names.Build() } };
        using var made = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
