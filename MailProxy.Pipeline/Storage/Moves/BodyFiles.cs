using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Postgres;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>The bodies beyond 256 KB as files of a data directory, synced before a row that names them is committed.</summary>
internal sealed class BodyFiles(string data) : IBodyWriter
{
    /// <summary>How much a row of PostgreSQL has of a body.</summary>
    public const int PartSize = PgLargeBodies.PartSize;

    private readonly string _directory = Path.Combine(data, "spool");
    private readonly List<string> _made = [];
    private FileStream? _file;
    private string _name = "";

    public bool Has(string name) => File.Exists(PathOf(name));

    public void Read(string name, Action<byte[]> part)
    {
        using var file = new FileStream(PathOf(name), FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        while (true)
        {
            var octets = new byte[Math.Min(PartSize, file.Length - file.Position)];
            if (octets.Length == 0)
                return;
            file.ReadExactly(octets);
            part(octets);
        }
    }

    public void Begin(string name)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        PrivateFiles.MakeDirectory(_directory);
        _name = name;
        _file = new(Draft, options);
    }

    public void Add(byte[] part) => _file!.Write(part);

    public void EndBody()
    {
        _file!.Flush(flushToDisk: true);
        _file.Dispose();
        _file = null;
        PrivateFiles.GiveTo(data, [_directory, Draft]);
        if (Has(_name) && PrivateFiles.Digest(PathOf(_name)) == PrivateFiles.Digest(Draft))
        {
            File.Delete(Draft); // the process that used the database had the same data directory
            return;
        }

        if (Has(_name))
            throw new StoreRefusedException($"'{PathOf(_name)}' is there already with other content. Move it away.");
        File.Move(Draft, PathOf(_name));
        _made.Add(_name);
    }

    public void End()
    {
        if (_made.Count > 0)
            DirectorySync.Flush(_directory);
    }

    /// <summary>Takes away what was written, as no row refers to it.</summary>
    public void Forget()
    {
        foreach (var name in _made)
            File.Delete(PathOf(name));
        _made.Clear();
    }

    public void Dispose()
    {
        if (_file is null)
            return;
        _file.Dispose();
        File.Delete(Draft);
    }

    private string Draft => PathOf(_name) + SpoolDraft.Suffix;

    private string PathOf(string name) =>
        name == Path.GetFileName(name)
            ? Path.Combine(_directory, name)
            : throw new StoreRefusedException($"'{name}' is no name of a body.");
}
