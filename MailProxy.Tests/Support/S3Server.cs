using System.Diagnostics;

namespace MailProxy.Tests.Support;

/// <summary>
/// A real S3-compatible server as a process of its own on a free loopback port: the npm package <c>fauxqs</c>, which <c>./run-tests
/// --install</c> puts below <c>.tools</c>. It keeps objects in memory and takes any keys.
/// </summary>
internal sealed class S3Server : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    // Its own command listens on every address; here it shall be loopback, and a port that nobody can take in between.
    // It ends with this process, whose end closes its input.
    private const string Script = """
        import { pathToFileURL } from "node:url";
        const { buildApp } = await import(pathToFileURL(process.argv[1]));
        const app = buildApp({ logger: false });
        console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
        process.stdin.resume().on("end", () => process.exit());
        """;

    private readonly Process _process;
    private readonly HttpClient _http = new() { Timeout = Deadline };

    private S3Server(Process process) => _process = process;

    public const string AccessKey = "test-access-key";
    public const string SecretKey = "test-secret-key";
    public const string Region = "us-east-1";

    /// <summary>For a client's service URL, with path style.</summary>
    public Uri Endpoint { get; private set; } = null!;

    /// <summary>Returns when it takes requests and has these buckets.</summary>
    public static async Task<S3Server> StartAsync(params string[] buckets)
    {
        var app = Repository.File(".tools/s3/node_modules/fauxqs/dist/app.js");
        if (!File.Exists(app))
            throw new InvalidOperationException("The S3 server for tests is missing: ./run-tests --install");
        var process = new Process { StartInfo = Run.Info("node", "--input-type=module", "-e", Script, app) };
        var server = new S3Server(process);
        try
        {
            process.Start();
            if (await process.StandardOutput.ReadLineAsync().WaitAsync(Deadline) is not { } address)
                throw new InvalidOperationException($"The S3 server ended: {await process.StandardError.ReadToEndAsync()}");
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            server.Endpoint = new Uri(address);
            foreach (var bucket in buckets)
                (await server._http.PutAsync(new Uri(server.Endpoint, bucket), null)).EnsureSuccessStatusCode().Dispose();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Puts a small object (below 11 MB) without a client of S3.</summary>
    public async Task PutAsync(string bucket, string key, byte[] content)
    {
        using var body = new ByteArrayContent(content);
        (await _http.PutAsync(At(bucket, key), body)).EnsureSuccessStatusCode().Dispose();
    }

    /// <summary>The object's bytes, or null when there is none.</summary>
    public async Task<byte[]?> GetAsync(string bucket, string key)
    {
        using var answer = await _http.GetAsync(At(bucket, key));
        return answer.IsSuccessStatusCode ? await answer.Content.ReadAsByteArrayAsync() : null;
    }

    /// <summary>What ListObjectsV2 says, as XML.</summary>
    public Task<string> ListAsync(string bucket) => _http.GetStringAsync(new Uri(Endpoint, $"{bucket}?list-type=2"));

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        try
        {
            _process.Kill();
            await _process.WaitForExitAsync().WaitAsync(Deadline);
        }
        catch (InvalidOperationException)
        {
            // It was never started, or is gone.
        }

        _process.Dispose();
    }

    private Uri At(string bucket, string key) => new(Endpoint, $"{bucket}/{string.Join('/', key.Split('/').Select(Uri.EscapeDataString))}");
}
