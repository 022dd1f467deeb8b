using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>A client that a tool makes of the OpenAPI document: it compiles, sends a message, and says why it was refused.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class GeneratedClientTests : DaemonFixture
{
    private const string Key = "test-admin-key-0123456789";

    private const string Project = """
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
            <InvariantGlobalization>true</InvariantGlobalization>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="Microsoft.Kiota.Http.HttpClientLibrary" Version="2.1.6" />
            <PackageReference Include="Microsoft.Kiota.Serialization.Form" Version="2.1.6" />
            <PackageReference Include="Microsoft.Kiota.Serialization.Json" Version="2.1.6" />
            <PackageReference Include="Microsoft.Kiota.Serialization.Multipart" Version="2.1.6" />
            <PackageReference Include="Microsoft.Kiota.Serialization.Text" Version="2.1.6" />
          </ItemGroup>
        </Project>
        """;

    private const string Program = """
        using Generated;
        using Generated.Models;
        using Microsoft.Kiota.Abstractions.Authentication;
        using Microsoft.Kiota.Http.HttpClientLibrary;

        // Kiota's own provider of keys sends none over http, which is for loopback only.
        var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", args[1]);
        var client = new MailProxyClient(
            new HttpClientRequestAdapter(new AnonymousAuthenticationProvider(), httpClient: http) { BaseUrl = args[0] });
        var receipt = await client.V1.Messages.PostAsync(new()
        {
            From = new() { String = "The shop <shop@example.com>" },
            To = new() { Address = [new() { Email = "ann@example.net", Name = "Ann" }] },
            Subject = "Hello",
            Text = "From a client that was generated.",
        });
        var message = await client.V1.Messages[receipt!.Id].GetAsync();
        Console.WriteLine($"{message!.Id} {message.Subject} {message.Recipients![0].Email}");
        try
        {
            await client.V1.Messages.PostAsync(new() { From = new() { String = "shop@example.com" }, Text = "To nobody" });
        }
        catch (Problem problem)
        {
            Console.WriteLine($"{problem.Status} {problem.Message}");
        }
        """;

    [Test]
    public async Task Kiota_ClientOfTheDocument_CompilesAndSends()
    {
        var client = Path.Combine(_directory, "client");
        Directory.CreateDirectory(client);
        await File.WriteAllTextAsync(Path.Combine(client, "client.csproj"), Project);
        await File.WriteAllTextAsync(Path.Combine(client, "Program.cs"), Program);
        await DotnetAsync(
            Repository.Root,
            "kiota",
            "generate",
            "--language",
            "CSharp",
            "--openapi",
            Repository.File("docs/openapi.json"),
            "--class-name",
            "MailProxyClient",
            "--namespace-name",
            "Generated",
            "--output",
            Path.Combine(client, "Generated")
        );
        await DotnetAsync(client, "build", "--nologo", "-v", "quiet", "-o", "out");
        var output = await DotnetAsync(client, Path.Combine(client, "out", "client.dll"), _daemon.Url, Key);

        Assert.That(output, Does.Match("^[0-9a-f-]+ Hello ann@example\\.net\n422 /to: At least one recipient in to, cc or bcc\\.\n$"));
    }

    private static async Task<string> DotnetAsync(string directory, params string[] arguments)
    {
        var (exit, output) = await Run.AsIsAsync(
            "env",
            [
                "-C",
                directory,
                "DOTNET_CLI_TELEMETRY_OPTOUT=1",
                "DOTNET_NOLOGO=1",
                "MSBUILDDISABLENODEREUSE=1",
                "UseSharedCompilation=false",
                "KIOTA_OFFLINE_ENABLED=true",
                "KIOTA_CLI_TELEMETRY_OPTOUT=true",
                "dotnet",
                .. arguments,
            ]
        );
        Assert.That(exit, Is.Zero, output);
        return output;
    }
}
