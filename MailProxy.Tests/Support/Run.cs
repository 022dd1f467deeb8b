using System.Diagnostics;

namespace MailProxy.Tests.Support;

/// <summary>Runs a command of the machine to its end.</summary>
internal static class Run
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Exit code and everything it printed. Killed, and a <see cref="TimeoutException"/>, after a minute.</summary>
    public static Task<(int ExitCode, string Output)> AsIsAsync(string file, params string[] arguments) =>
        AsIsAsync(Info(file, arguments), Deadline);

    /// <summary>The same of what is described, with a deadline of its own.</summary>
    public static async Task<(int ExitCode, string Output)> AsIsAsync(ProcessStartInfo info, TimeSpan deadline)
    {
        using var process = Process.Start(info)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(deadline);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{info.FileName} {string.Join(' ', info.ArgumentList)} did not end in time");
        }

        return (process.ExitCode, await output + await error);
    }

    /// <summary>Fails unless it exits 0. As root, by sudo when we are not.</summary>
    public static async Task AsRootAsync(string file, params string[] arguments)
    {
        var (command, all) = RootCommand(file, arguments);
        var (exitCode, output) = await AsIsAsync(command, all);
        if (exitCode != 0)
            throw new InvalidOperationException(
                $"{file} {string.Join(' ', arguments)} exited {exitCode} (it needs root or sudo without a password): {output}"
            );
    }

    public static (string File, string[] Arguments) RootCommand(string file, params string[] arguments) =>
        Environment.IsPrivilegedProcess ? (file, arguments) : ("sudo", ["-n", file, .. arguments]);

    public static ProcessStartInfo Info(string file, params string[] arguments)
    {
        var info = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };

        // Where Debian keeps daemons, which is not on everybody's path.
        info.Environment["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin";
        return info;
    }
}
