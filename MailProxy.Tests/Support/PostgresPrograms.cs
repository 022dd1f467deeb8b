using System.Diagnostics;

namespace MailProxy.Tests.Support;

/// <summary>The programs of Debian's postgresql. As root they run as Debian's user postgres, since they refuse to be root.</summary>
internal static class PostgresPrograms
{
    public const string User = "postgres";

    private static string Directory =>
        System
            .IO.Directory.GetDirectories("/usr/lib/postgresql")
            .Select(static version => Path.Combine(version, "bin"))
            .Where(System.IO.Directory.Exists)
            .Max()
        ?? throw new InvalidOperationException("PostgreSQL is not there: ./run-tests --install");

    /// <summary>Lets the programs write in a directory of ours.</summary>
    public static void Give(string directory)
    {
        if (Environment.IsPrivilegedProcess)
            Start("chown", User, directory);
    }

    public static void AsItself(string program, params string[] arguments)
    {
        var path = Path.Combine(Directory, program);
        if (Environment.IsPrivilegedProcess)
            Start("setpriv", ["--reuid", User, "--regid", User, "--init-groups", path, .. arguments]);
        else
            Start(path, arguments);
    }

    /// <summary>What a client of the server says.</summary>
    public static string Output(string program, params string[] arguments) => Start(Path.Combine(Directory, program), arguments);

    private static string Start(string program, params string[] arguments)
    {
        // The server inherits what pg_ctl has, so nobody may wait for the end of its output.
        var info = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" < /dev/null 2>&1", "sh", program, .. arguments])
        {
            WorkingDirectory = "/",
            RedirectStandardOutput = program.EndsWith("pg_dump", StringComparison.Ordinal),
        };
        using var process = Process.Start(info)!;
        var output = info.RedirectStandardOutput ? process.StandardOutput.ReadToEnd() : "";
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} exited {process.ExitCode}: {output}");
    }
}
