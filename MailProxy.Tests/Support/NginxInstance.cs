using System.Diagnostics;
using System.Net.Sockets;

namespace MailProxy.Tests.Support;

/// <summary>
/// A real nginx of its own on a free loopback port: own configuration, logs and files below a temporary directory. Needs Debian's nginx; no
/// root.
/// </summary>
internal sealed class NginxInstance : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mailproxy-nginx-");
    private Process? _process;

    public int Port { get; } = FreePort.Take();

    /// <summary>
    /// What stands here is served below <c>/files/</c>, and below <c>/slow/</c> at 64 KB a second after the first 16 KB; below
    /// <c>/locked/</c> for ann with the password geheim.
    /// </summary>
    public string Files => Path.Combine(_root.FullName, "files");

    public Uri Url(string path) => new($"http://nginx.files.example:{Port}{path}");

    /// <summary>Where its configuration and its files are.</summary>
    public string Root => _root.FullName;

    /// <summary>Returns when nginx takes connections.</summary>
    /// <param name="servers">What is to stand in its configuration within <c>http</c>; null: what serves files, as above.</param>
    public static async Task<NginxInstance> StartAsync(Func<NginxInstance, string>? servers = null)
    {
        var nginx = new NginxInstance();
        try
        {
            await nginx.LayOutAsync(servers?.Invoke(nginx) ?? nginx.FileServer);
            nginx._process = Process.Start(Run.Info("nginx", "-p", nginx._root.FullName, "-e", "error.log", "-c", "nginx.conf"))!;
            await nginx.ListensAsync();
            return nginx;
        }
        catch
        {
            await nginx.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync().WaitAsync(Deadline);
            process.Dispose();
        }

        _root.Delete(recursive: true);
    }

    private string FileServer =>
        $$"""
            server {
                listen 127.0.0.1:{{Port}};
                location /files/ { alias {{Files}}/; }
                location /slow/ { alias {{Files}}/; limit_rate 64k; limit_rate_after 16k; }
                location /locked/ { alias {{Files}}/; auth_basic files; auth_basic_user_file {{Root}}/users; }
                location /zipped/ { alias {{Files}}/; gzip on; gzip_types *; gzip_min_length 1; }
                location /moved/ { return 302 /files/$1; }
                location ~ ^/there/(.*)$ { return 301 /files/$1; }
                location /round/ { return 302 /round/; }
                location /metadata/ { return 302 http://169.254.169.254/latest/meta-data/; }
                location /busy/ { return 503; }
                location /silent/ { return 444; }
            }
            """;

    private async Task LayOutAsync(string servers)
    {
        _root.CreateSubdirectory("files");
        await File.WriteAllTextAsync(Path.Combine(Root, "users"), "ann:{PLAIN}geheim\n");
        await File.WriteAllTextAsync(
            Path.Combine(Root, "nginx.conf"),
            $$"""
            daemon off;
            master_process off;
            pid nginx.pid;
            events {}
            http {
                access_log off;
                default_type application/octet-stream;
                client_body_temp_path temp-body; proxy_temp_path temp-proxy; fastcgi_temp_path temp-fastcgi; uwsgi_temp_path temp-uwsgi; scgi_temp_path temp-scgi;
            {{servers}}
            }

            """
        );
    }

    private async Task ListensAsync()
    {
        // It says nothing when it is ready, so it is asked until it answers.
        using var late = new CancellationTokenSource(Deadline);
        while (true)
        {
            if (_process!.HasExited)
                throw new InvalidOperationException($"nginx ended: {await _process.StandardError.ReadToEndAsync(late.Token)}");
            using var socket = new TcpClient();
            try
            {
                await socket.ConnectAsync("127.0.0.1", Port, late.Token);
                return;
            }
            catch (SocketException)
            {
                await Task.Yield();
            }
        }
    }
}
