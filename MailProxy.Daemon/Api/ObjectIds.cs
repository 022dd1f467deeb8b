namespace MailProxy.Daemon.Api;

/// <summary>Ids of everything but messages.</summary>
internal static class ObjectIds
{
    public static readonly ProblemAnswer Invalid = ProblemAnswer.Of(422, "invalid_id", $"An id is {IdSyntax.ObjectRule}.");

    public static bool IsValid(string id) => IdSyntax.IsObjectId(id);
}
