using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>Files that commands read and write; <c>-</c> is standard input or output.</summary>
internal static class Files
{
    private const string Standard = "-";

    /// <summary>Writes to a file, or to standard output without one; a file is there whole or not at all.</summary>
    public static async Task WriteAsync(Call call, string? file, Func<Stream, Task> write)
    {
        if (file is null or Standard)
        {
            await using var output = call.Terminal.OpenOutput();
            await write(output);
            return;
        }

        var path = call.Terminal.PathOf(file);
        var partial = path + ".partial";
        try
        {
            await using (var target = new FileStream(partial, FileMode.Create, FileAccess.Write))
                await write(target);
            File.Move(partial, path, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    public static Stream OpenRead(Call call, string file, string option)
    {
        if (file == Standard)
            return call.Terminal.OpenInput();
        try
        {
            return new FileStream(call.Terminal.PathOf(file), FileMode.Open, FileAccess.Read);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{option}: {file} cannot be read: {Hosting.OneLine.Of(error)}", error);
        }
    }

    public static async Task<byte[]> ReadAsync(Call call, string file, string option)
    {
        await using var stream = OpenRead(call, file, option);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes, call.Stop);
        return bytes.ToArray();
    }

    public static async Task<string> ReadTextAsync(Call call, string file, string option) =>
        System.Text.Encoding.UTF8.GetString(await ReadAsync(call, file, option)).TrimStart('\uFEFF');

    /// <summary>One JSON object.</summary>
    public static async Task<JsonObject> ReadObjectAsync(Call call, string file, string option)
    {
        var text = await ReadTextAsync(call, file, option);
        try
        {
            var settings = new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
            return JsonNode.Parse(text, null, settings) as JsonObject
                ?? throw new UsageException($"{option}: {Shown(file)} is not a JSON object.");
        }
        catch (JsonException error)
        {
            throw new UsageException(
                $"{option}: {Shown(file)} is not JSON: line {error.LineNumber + 1}: {Hosting.OneLine.Of(error)}",
                error
            );
        }
    }

    private static string Shown(string file) => file == Standard ? "standard input" : file;
}
