using MailProxy.Daemon.Hosting;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

/// <summary>Where spans go: from settings, from the variables of OpenTelemetry, and what is wrong with them.</summary>
internal sealed class TelemetrySettingsTests
{
    private TempDirectory _directory = null!;

    [SetUp]
    public void SetUp() => _directory = new();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    private (DaemonSettings? Settings, IReadOnlyList<string> Mistakes) Read((string Name, string Value)[] variables, params string[] args)
    {
        File.Copy(Repository.File("appsettings.json"), Path.Combine(_directory, "appsettings.json"), overwrite: true);
        return SettingsReader.Read(args, _directory, "/nowhere", variables.ToDictionary(static v => v.Name, static v => v.Value));
    }

    [Test]
    public void Read_Nothing_ExportsNothing() => Assert.That(Read([]).Settings!.Telemetry.Otlp.IsOn, Is.False);

    [Test]
    public void Read_VariablesOfOpenTelemetry_CountWhereTheSettingsSayNothing()
    {
        (string, string)[] variables =
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=geheim"),
            ("OTEL_SERVICE_NAME", "mail"),
        ];
        var theirs = Read(variables).Settings!.Telemetry;
        var ours = Read(
            variables,
            "--Telemetry:Otlp:Endpoint=https://other:4318",
            "--Telemetry:Otlp:Protocol=http/protobuf",
            "--Telemetry:Otlp:Headers=api-key=own",
            "--Telemetry:ServiceName=own"
        ).Settings!.Telemetry;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                (theirs.Otlp.Endpoint, theirs.Otlp.Protocol, theirs.Otlp.Sent, theirs.ServiceName),
                Is.EqualTo(("http://collector:4317", "grpc", "api-key=geheim", "mail"))
            );
            Assert.That(
                (ours.Otlp.Endpoint, ours.Otlp.Protocol, ours.Otlp.Sent, ours.ServiceName),
                Is.EqualTo(("https://other:4318", "http/protobuf", "api-key=own", "own"))
            );
            Assert.That(Read([.. variables, ("OTEL_SDK_DISABLED", "true")]).Settings!.Telemetry.Otlp.IsOn, Is.False);
        }
    }

    [Test]
    public void Read_HeadersFile_IsReadAndGoesBeforeTheVariable()
    {
        var file = Path.Combine(_directory, "headers");
        File.WriteAllText(file, "authorization=Bearer%20x,b=2\n");
        var read = Read(
            [("OTEL_EXPORTER_OTLP_HEADERS", "a=1")],
            "--Telemetry:Otlp:Endpoint=http://c:4318",
            "--Telemetry:Otlp:HeadersFile=" + file
        );
        Assert.That(read.Settings!.Telemetry.Otlp.Sent, Is.EqualTo("authorization=Bearer%20x,b=2"));
    }

    [TestCase("--Telemetry:SampleRatio=1.5", "Telemetry:SampleRatio (--Telemetry:SampleRatio): must be from 0 to 1.")]
    [TestCase("--Telemetry:SampleRatio=-1", "Telemetry:SampleRatio (--Telemetry:SampleRatio): must be from 0 to 1.")]
    [TestCase("--Telemetry:SampleRatio=NaN", "Telemetry:SampleRatio (--Telemetry:SampleRatio): must be from 0 to 1.")]
    [TestCase("--Telemetry:SampleRatio=half", "Telemetry:SampleRatio (--Telemetry:SampleRatio): 'half' is not a number in range.")]
    [TestCase(
        "--Telemetry:Otlp:Protocol=http/json",
        "Telemetry:Otlp:Protocol (--Telemetry:Otlp:Protocol): must be one of http/protobuf, grpc."
    )]
    [TestCase(
        "--Telemetry:Otlp:Endpoint=collector:4318",
        "Telemetry:Otlp:Endpoint (--Telemetry:Otlp:Endpoint): must be an absolute http or https URL"
    )]
    [TestCase(
        "--Telemetry:Otlp:Endpoint=http://u:geheim@c:4318",
        "Telemetry:Otlp:Endpoint (--Telemetry:Otlp:Endpoint): must be an absolute http or https URL"
    )]
    [TestCase("--Telemetry:Otlp:Headers=geheim", "Telemetry:Otlp:Headers: must be name=value, several with commas between")]
    [TestCase("--Telemetry:Otlp:Headers=a=geheim%0d%0ax:y", "Telemetry:Otlp:Headers: a value must be visible ASCII")]
    [TestCase("--Telemetry:Otlp:HeadersFile=/nowhere/geheim", "Telemetry:Otlp:HeadersFile: the file cannot be read")]
    public void Read_Mistake_NamesTheSettingAndNoSecret(string argument, string mistake)
    {
        string[] others = argument.Contains("Endpoint", StringComparison.Ordinal) ? [] : ["--Telemetry:Otlp:Endpoint=http://c:4318"];
        var (_, mistakes) = Read([], [argument, .. others]);
        Assert.That(mistakes, Has.One.StartsWith(mistake));
        if (!argument.Contains("File", StringComparison.Ordinal))
            Assert.That(mistakes, Has.None.Contains("geheim"));
    }

    [Test]
    public void Read_HeadersAndAFileOfThem_IsAMistake() =>
        Assert.That(
            Read(
                [],
                "--Telemetry:Otlp:Endpoint=http://c:4318",
                "--Telemetry:Otlp:Headers=a=1",
                "--Telemetry:Otlp:HeadersFile=/dev/null"
            ).Mistakes,
            Has.One.StartsWith("Telemetry:Otlp:HeadersFile: not together with Telemetry:Otlp:Headers")
        );

    [TestCase("http://c:4318", false, "http://c:4318/v1/traces")]
    [TestCase("http://c:4318/", false, "http://c:4318/v1/traces")]
    [TestCase("https://c/otlp", false, "https://c/otlp/v1/traces")]
    [TestCase("https://c/v1/traces", false, "https://c/v1/traces")]
    [TestCase("http://c:4317", true, "http://c:4317/")]
    public void Address_OfACollector_HasThePathOfItsProtocol(string endpoint, bool isGrpc, string address) =>
        Assert.That(SpanExport.Address(endpoint, isGrpc).AbsoluteUri, Is.EqualTo(address));
}
