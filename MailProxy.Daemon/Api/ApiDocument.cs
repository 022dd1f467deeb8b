namespace MailProxy.Daemon.Api;

/// <summary>The OpenAPI document, made from the routes and from the shapes of requests and answers.</summary>
internal static class ApiDocument
{
    public static void AddMailProxyDocument(this IServiceCollection services) => services.AddOpenApi("v1");
}
