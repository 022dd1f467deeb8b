namespace MailProxy.Tests.Support;

/// <summary>The daemon's program with another command than serve.</summary>
internal static class DaemonTool
{
    public static Task<(int ExitCode, string Output)> CallAsync(params string[] arguments) =>
        Run.AsIsAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "mailproxy.dll"), .. arguments]);

    public static Task<(int ExitCode, string Output)> BackupAsync(string data, string directory, params string[] more) =>
        CallAsync(["backup", directory, $"--data={data}", .. more]);

    public static Task<(int ExitCode, string Output)> RestoreAsync(string directory, string data) =>
        CallAsync("restore", directory, $"--data={data}");
}
