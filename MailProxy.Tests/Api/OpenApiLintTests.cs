using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>What the tools of others say of the OpenAPI document: linters with their recommended rules, and a generator of types.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class OpenApiLintTests
{
    private static readonly string Document = Repository.File("docs/openapi.json");

    [Test]
    public async Task Redocly_RecommendedRules_FindNothing()
    {
        var (exit, output) = await ToolAsync("redocly", "lint", "--extends", "recommended", "--format", "json", Document);
        var totals = JsonNode.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..(output.LastIndexOf('}') + 1)])!["totals"]!;
        Assert.That((exit, (int)totals["errors"]!, (int)totals["warnings"]!), Is.EqualTo((0, 0, 0)), output);
    }

    [Test]
    public async Task Spectral_RecommendedRules_FindNothing()
    {
        using var directory = new TempDirectory();
        var rules = Path.Combine(directory, "rules.yaml");
        await File.WriteAllTextAsync(rules, "extends: [\"spectral:oas\"]\n");
        var (exit, output) = await ToolAsync("spectral", "lint", "--fail-severity", "hint", "--ruleset", rules, Document);
        Assert.That(exit, Is.Zero, output);
    }

    [Test]
    public async Task Types_OfOpenapiTypescript_AreTakenByTheCompiler()
    {
        using var directory = new TempDirectory();
        var types = Path.Combine(directory, "api.ts");
        var (made, saying) = await ToolAsync("openapi-typescript", Document, "-o", types);
        Assert.That(made, Is.Zero, saying);
        await File.AppendAllTextAsync(
            types,
            """

            const message: components["schemas"]["MessageRequest"] = {
                from: "shop@example.com", to: [{ email: "ann@example.net", name: null }], text: "t", priority: 1, metadata: { order: 4711 },
            };
            export const sent = (event: components["schemas"]["Event"]) =>
                event.type === "message.sent" ? event.data.recipients.map(one => one.email) : [message.subject];

            """
        );
        var (exit, output) = await ToolAsync("tsc", "--noEmit", "--strict", "--skipLibCheck", types);
        Assert.That(exit, Is.Zero, output);
    }

    private static Task<(int ExitCode, string Output)> ToolAsync(string tool, params string[] arguments)
    {
        var path = Repository.File($".tools/openapi/node_modules/.bin/{tool}");
        Assert.That(File.Exists(path), "The tools for OpenAPI documents are missing: ./run-tests --install");

        // Neither asks whether there is a newer one, nor tells anybody that it ran.
        return Run.AsIsAsync("env", ["REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true", path, .. arguments]);
    }
}
