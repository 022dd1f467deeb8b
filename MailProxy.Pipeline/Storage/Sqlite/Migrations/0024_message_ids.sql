-- Mail is found by its Message-ID. One made here from an id made here needs no entry: the id finds it.
CREATE INDEX messages_message_id ON messages (message_id_header, tenant, number)
WHERE NOT (substr(message_id_header, 2, length(id) + 1) = id || '@' AND instr(id, '@') = 0);
