using System.Collections;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli;
using MailProxy.Daemon.Cli.Doctor;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>What a command came to.</summary>
internal sealed record CliResult(int Code, string Out, string Error)
{
    public JsonNode Json => JsonNode.Parse(Out)!;

    public override string ToString() => $"exit code {Code}\n{Out}\n{Error}";
}

/// <summary>Runs commands in this process against a daemon in this process, in a directory of their own.</summary>
internal sealed class CliRig : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();

    private CliRig() { }

    public TestDaemon Daemon { get; private set; } = null!;

    /// <summary>Where commands run.</summary>
    public string Directory => Path.Combine(_directory, "work");

    public INameLookup Names { get; set; } = new FakeNames();

    /// <summary>Lines that a person types; null: nobody is there.</summary>
    public string[]? Typed { get; set; }

    /// <summary>What a person types when asked for a secret.</summary>
    public string? Secret { get; set; }

    public Hashtable Variables { get; } = [];

    public static async Task<CliRig> StartAsync(params (string Name, string Value)[] settings)
    {
        var rig = new CliRig();
        System.IO.Directory.CreateDirectory(rig.Directory);
        rig.Daemon = await TestDaemon.StartAsync(Path.Combine(rig._directory, "data"), settings);
        rig.Variables["MAILPROXY_DATA"] = rig.Daemon.Data;
        rig.Variables["MAILPROXY_KEY"] = DaemonProcess.Key;
        return rig;
    }

    public Task<CliResult> RunAsync(params string[] args) => RunAsync(args, default);

    public async Task<CliResult> RunAsync(string[] args, CancellationToken stop, Action<string>? printed = null, byte[]? input = null)
    {
        var (output, error) = (new WatchedWriter(printed), new StringWriter());
        using var raw = new MemoryStream();
        var terminal = new Terminal
        {
            Out = output,
            Error = error,
            In = new StringReader(string.Join('\n', Typed ?? [])),
            Environment = Variables,
            Clock = TimeProvider.System,
            OpenInput = () => new MemoryStream(input ?? []),
            OpenOutput = () => new KeptStream(raw),
            Directory = Directory,
            IsInteractive = Typed is not null,
            ReadSecret = () => Secret,
            Names = _ => Names,
        };
        using var late = new CancellationTokenSource(TestDaemon.Deadline);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        var code = await CommandLineClient.RunAsync(args, terminal, either.Token);
        Assert.That(late.IsCancellationRequested, Is.False, $"'{string.Join(' ', args)}' did not end: {output} {error}");
        return new(code, output + Encoding.UTF8.GetString(raw.ToArray()), error.ToString());
    }

    /// <summary>Runs it and expects this exit code.</summary>
    public async Task<CliResult> ExpectAsync(int code, params string[] args)
    {
        var result = await RunAsync(args);
        Assert.That(result.Code, Is.EqualTo(code), $"{string.Join(' ', args)}: {result}");
        return result;
    }

    public Task WriteAsync(string file, string text) => File.WriteAllTextAsync(Path.Combine(Directory, file), text);

    public Task<string> ReadAsync(string file) => File.ReadAllTextAsync(Path.Combine(Directory, file));

    public async ValueTask DisposeAsync()
    {
        await Daemon.StopAsync();
        await Daemon.DisposeAsync();
        _directory.Dispose();
    }

    private sealed class WatchedWriter(Action<string>? printed) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            printed?.Invoke(value ?? "");
        }
    }

    // Closed by who writes to it, read afterwards.
    private sealed class KeptStream(MemoryStream to) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => to.Length;
        public override long Position
        {
            get => to.Position;
            set => throw new NotSupportedException();
        }

        public override void Flush() { }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => to.Write(buffer, offset, count);
    }
}

/// <summary>DNS as a test wrote it.</summary>
internal sealed class FakeNames : INameLookup
{
    public Dictionary<string, string[]> Texts { get; } = [];

    public Dictionary<string, IPAddress[]> Addresses { get; } = [];

    public bool IsDown { get; set; }

    public Task<IReadOnlyList<string>> TextsAsync(string name, CancellationToken stop) =>
        Task.FromResult<IReadOnlyList<string>>(
            IsDown ? throw new NameLookupException("no server answers") : Texts.GetValueOrDefault(name) ?? []
        );

    public Task<IReadOnlyList<IPAddress>> AddressesAsync(string name, CancellationToken stop) =>
        Task.FromResult<IReadOnlyList<IPAddress>>(
            IsDown ? throw new NameLookupException("no server answers")
            : IPAddress.TryParse(name, out var literal) ? [literal]
            : Addresses.GetValueOrDefault(name) ?? []
        );
}
