using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Operations;

/// <summary>Wires operations into the daemon; the host runs the <see cref="OperationRunner"/>.</summary>
internal static class OperationRegistration
{
    public static void AddOperations(this IServiceCollection services, IOperationStore store)
    {
        services.AddSingleton(store);
        services.AddSingleton<ActionToken>();
        services.AddSingleton<OperationPlans>();
        services.AddSingleton<OperationPreview>();
        services.AddSingleton<OperationRunner>();
    }

    public static void MapOperations(this WebApplication app) =>
        ActivatorUtilities.CreateInstance<OperationRoutes>(app.Services).Map(app.MapGroup("/v1"));
}
