using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli;
using MailProxy.Tests.Storage.Moves;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>The command <c>migrate-store</c>: its arguments, what it prints, how it ends.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class MigrateStoreTests
{
    private MoveBench _bench = null!;

    [SetUp]
    public void Make()
    {
        _bench = new();
        _bench.MakeStore("a");
        File.WriteAllText(_bench.At("storage"), _bench.Connection + ";Password=s3cret\n");
    }

    [TearDown]
    public void Drop() => _bench.Dispose();

    [Test]
    public async Task Run_ThereAndBack_TellsEachTableAndWhatToDo()
    {
        var trial = await RunAsync(0, "--from", _bench.At("a"), "--to-file", _bench.At("storage"), "--dry-run");
        Assert.That(trial, Does.Match("(?m)^messages +3$").And.Contain("A trial: nothing was written."));

        var there = await RunAsync(0, $"--from={_bench.At("a")}", $"--to-file={_bench.At("storage")}");
        Assert.That(there, Does.Match("(?m)^messages +3  [0-9a-f]{16}$").And.Match("(?m)^bodies beyond 256 KB +2  [0-9a-f]{16}$"));
        Assert.That(
            there,
            Does.Contain("rows copied")
                .And.Contain("rows compared")
                .And.Contain("counts and hashes are the same on both sides.")
                .And.Contain("sealed under the master key, which was not moved")
                .And.Contain($"Start it with Storage:Provider=postgres")
                .And.Contain($"The store in {_bench.At("a")} refuses to start from now on.")
                .And.Not.Contain("s3cret")
        );

        var back = JsonNode.Parse(await RunAsync(0, "--json", "--from", _bench.Connection, "--to", _bench.At("b")))!;
        Assert.That((string)back["to"]!, Is.EqualTo(_bench.At("b")));
        Assert.That((bool)back["dry_run"]!, Is.False);
        var messages = back["tables"]!.AsArray().Single(static table => (string)table!["name"]! == "messages")!;
        Assert.That(((int)messages["rows"]!, ((string)messages["sha256"]!).Length), Is.EqualTo((3, 64)));
        Assert.That(((int)back["large_bodies"]!["rows"]!, (int)back["large_body_bytes"]!), Is.EqualTo((2, 862_145)));
        Assert.That((back["lost_bodies"]!.AsArray().Count, (int)back["replaced_texts"]!), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Run_Refused_IsOneLineAndOne()
    {
        _bench.InSqlite("a", "PRAGMA user_version = 999");
        var error = await RunAsync(1, "--from", _bench.At("a"), "--to-file", _bench.At("storage"));
        Assert.That(error, Does.Match("^mailproxy: nothing was moved: '[^\n]*' was written by a newer program [^\n]*\n$"));
    }

    [Test]
    public async Task Run_Interrupted_SaysThatNothingWasMoved()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        var error = await RunAsync(130, ["--json", "--from", _bench.At("a"), "--to", _bench.Connection], stop.Token);
        Assert.That(error, Is.EqualTo("mailproxy: interrupted; nothing was moved, and the store is as it was.\n"));
    }

    [TestCase("migrate-store takes where from and where to: mailproxy migrate-store --from DIR --to-file FILE")]
    [TestCase("migrate-store takes where from and where to", "--from", "a")]
    [TestCase("--to takes a value", "--from", "a", "--to")]
    [TestCase("--to is empty", "--to", "")]
    [TestCase("'--data=x' is no option of migrate-store", "--data=x")]
    [TestCase("'--json=yes' is no option of migrate-store", "--json=yes")]
    [TestCase("--to and --to-file are given together", "--to", "a", "--to", "b")]
    [TestCase("--to-file: '/none' cannot be read: Could not find file '/none'", "--from", "a", "--to-file", "/none")]
    [TestCase("--to has a password, which every user of this machine can see there", "--to", "Host=h;Username=u;Pass word=x")]
    [TestCase("--from has a password", "--from", "Host=h;Username=u;PWD=x")]
    public async Task Run_WrongArguments_SayWhichAndWhatToWrite(string says, params string[] args)
    {
        var error = await RunAsync(2, args);
        Assert.That(error, Does.StartWith($"mailproxy: {says}").And.Match("^[^\n]*\n$"));
    }

    private static Task<string> RunAsync(int code, params string[] args) => RunAsync(code, args, default);

    /// <summary>The output; of a failure what was told beside it.</summary>
    private static async Task<string> RunAsync(int code, string[] args, CancellationToken stop)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var terminal = new Terminal
        {
            Out = output,
            Error = error,
            In = new StringReader(""),
            Environment = new System.Collections.Hashtable(),
            Clock = TimeProvider.System,
            OpenInput = static () => Stream.Null,
            OpenOutput = static () => Stream.Null,
        };
        Assert.That(await MigrateStoreCommand.RunAsync(args, terminal, stop), Is.EqualTo(code), $"{output}{error}");
        Assert.That((code == 0 ? error : output).ToString(), Is.Empty);
        return (code == 0 ? output : error).ToString();
    }
}
