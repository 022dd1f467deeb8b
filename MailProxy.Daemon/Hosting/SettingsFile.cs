using System.Text.Json;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Reads a settings file, and remembers the line of each value. Comments and trailing commas are allowed; a duplicate name is not.
/// </summary>
internal sealed class SettingsFile
{
    private static readonly byte[] Bom = [0xEF, 0xBB, 0xBF];

    private readonly string _path;
    private readonly byte[] _bytes;
    private readonly List<SettingValue> _values = [];
    private readonly List<string> _mistakes = [];

    private SettingsFile(string path, byte[] bytes) => (_path, _bytes) = (path, bytes);

    /// <param name="required">
    /// False: a missing file counts as empty. A file that exists and cannot be read is a mistake in any case.
    /// </param>
    public static (IReadOnlyList<SettingValue> Values, IReadOnlyList<string> Mistakes) Read(string path, bool required)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            var file = new SettingsFile(path, bytes.AsSpan().StartsWith(Bom) ? bytes[Bom.Length..] : bytes);
            file.Parse();
            return (file._values, file._mistakes);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            if (FileAbove(path) is { } file)
                return ([], [$"{path}: cannot be read: '{file}' is not a directory."]);
            return required || IsLink(path) ? ([], [$"{path}: there is no such file."]) : ([], []);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            var why = Directory.Exists(path) ? "is a directory and not a file." : $"cannot be read: {OneLine.Of(error)}";
            return ([], [$"{path}: {why}"]);
        }
    }

    private static string? FileAbove(string path)
    {
        var above = Path.GetDirectoryName(path);
        while (!string.IsNullOrEmpty(above) && !Path.Exists(above))
            above = Path.GetDirectoryName(above);
        return File.Exists(above) ? above : null;
    }

    // A link with a missing target was meant to be a file.
    private static bool IsLink(string path) => new FileInfo(path).LinkTarget is not null;

    private void Parse()
    {
        var lenient = new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
        var reader = new Utf8JsonReader(_bytes, lenient);
        try
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartObject)
                Members(ref reader, "");
            else
                _mistakes.Add($"{_path}: must be a JSON object, that is {{…}}.");
            while (reader.Read())
            {
                // Reads to the end, because text after the object is a mistake that the reader reports.
            }
        }
        catch (JsonException error)
        {
            // The exception's message may quote the text, which may be a secret.
            _mistakes.Add($"{_path}: is not JSON: line {error.LineNumber + 1}, column {error.BytePositionInLine + 1}.");
        }
        catch (InvalidOperationException)
        {
            _mistakes.Add($"{_path}: line {Line(reader.TokenStartIndex)}: the text is not valid Unicode.");
        }
    }

    private void Members(ref Utf8JsonReader reader, string group)
    {
        var lines = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = reader.GetString()!;
            var line = Line(reader.TokenStartIndex);
            if (!lines.TryAdd(name, line))
                _mistakes.Add($"{group}{name} ({Place(line)}): is set twice, first in line " + $"{lines[name]}.");
            reader.Read();
            Value(ref reader, group + name, line);
        }
    }

    private void Value(ref Utf8JsonReader reader, string path, int line)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                Members(ref reader, path + ":");
                break;
            case JsonTokenType.StartArray:
                for (var n = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; n++)
                {
                    Value(ref reader, $"{path}:{n}", Line(reader.TokenStartIndex));
                }

                break;
            case JsonTokenType.Null:
                _values.Add(new(path, null, Place(line)));
                break;
            case JsonTokenType.String:
                _values.Add(new(path, reader.GetString(), Place(line)));
                break;
            default:
                _values.Add(new(path, System.Text.Encoding.UTF8.GetString(reader.ValueSpan), Place(line)));
                break;
        }
    }

    private string Place(int line) => $"{_path}, line {line}";

    private int Line(long offset) => 1 + _bytes.AsSpan(0, (int)offset).Count((byte)'\n');
}
