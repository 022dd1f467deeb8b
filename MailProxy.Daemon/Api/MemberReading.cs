using MailProxy.Pipeline.Configuration;

namespace MailProxy.Daemon.Api;

/// <summary>What the HTTP edge asks of a <see cref="MemberReader"/>.</summary>
internal static class MemberReading
{
    extension(MemberReader members)
    {
        /// <summary>All mistakes, or null. Asked for after <see cref="MemberReader.Close"/>.</summary>
        public ProblemAnswer? Refusal => members.Errors.Count == 0 ? null : ProblemAnswer.Invalid(members.Errors);
    }
}
