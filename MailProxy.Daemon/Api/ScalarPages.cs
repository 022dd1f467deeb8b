using System.Diagnostics;
using Scalar.AspNetCore;

namespace MailProxy.Daemon.Api;

/// <summary>The pages of Scalar, apart from the daemon's other routes. Who asks for them first loads its assembly.</summary>
internal static class ScalarPages
{
    /// <summary>Under which a request has the nonce of its scripts.</summary>
    public const string Nonce = "docs-nonce";

    public static RequestDelegate Make(IServiceProvider services)
    {
        // Services of their own: the daemon's would count the pages among its routes.
        var own = new ServiceCollection();
        own.AddLogging().AddRouting();
        own.AddSingleton(services.GetRequiredService<DiagnosticListener>()).AddSingleton(services.GetRequiredService<ILoggerFactory>());
        var pages = new ApplicationBuilder(own.BuildServiceProvider());
        pages.UseRouting();
        pages.UseEndpoints(static routes => routes.MapScalarApiReference("/docs", Configure));
        return pages.Build();
    }

    private static void Configure(ScalarOptions options, HttpContext http)
    {
        options.Title = "MailProxy";
        options.OpenApiRoutePattern = "/openapi/{documentName}.json";
        options.Nonce = (string?)http.Items[Nonce];
        options.AddPreferredSecuritySchemes(ApiDocumentOperations.KeyScheme);

        // Nothing from elsewhere, and nothing told to anybody: fonts, usage, a chat, a proxy for requests.
        options.DefaultFonts = false;
        options.Telemetry = false;
        options.Agent = new() { Disabled = true };
        options.Mcp = new() { Disabled = true };
        options.ProxyUrl = null;
        options.ShowDeveloperTools = DeveloperToolsVisibility.Never;
        options.HideClientButton = true;
        options.DocumentDownloadType = DocumentDownloadType.Json;
    }
}
