using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>A row that was read: a message, or why there is none.</summary>
/// <param name="Name">Tenant and id.</param>
/// <param name="ReportedAt">When the last of its events was reported, Unix milliseconds.</param>
internal readonly record struct JudgedRow(string Name, ImportedMail? Mail, string? Why, long? ReportedAt);
