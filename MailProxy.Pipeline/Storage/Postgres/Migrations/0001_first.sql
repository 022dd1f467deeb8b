-- Times are Unix milliseconds. Enumerations are the numbers of the types in Mail/, conditions are 0 or 1. What a column means is told where SQLite's
-- migrations make it; the columns are the same, so that the same statements read and write both.

CREATE DOMAIN str AS text COLLATE "C"; -- ordered by octets, as cursors count on
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

-- Functions that SQLite has, or is given, under these names.
CREATE FUNCTION max(bigint, bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN greatest($1, $2);
CREATE FUNCTION min(bigint, bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN least($1, $2);
CREATE FUNCTION instr(text, text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN position($2 IN $1);
CREATE FUNCTION substr(text, bigint) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN substr($1, $2::integer);
CREATE FUNCTION substr(text, integer, bigint) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN substr($1, $2, $3::integer);
CREATE FUNCTION substr(bytea, integer, bigint) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN substr($1, $2, $3::integer);
CREATE FUNCTION text_contains(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN position(lower($2 COLLATE "und-x-icu") IN lower($1 COLLATE "und-x-icu")) > 0;

-- The texts of a JSON array; none of one that cannot be read.
CREATE FUNCTION json_each(list text) RETURNS TABLE (value text) LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN QUERY SELECT jsonb_array_elements_text(list::jsonb);
EXCEPTION WHEN data_exception THEN
    RETURN;
END $$;

-- The processes that use the store, one row for each start.
CREATE TABLE nodes (
    session    bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name       str     NOT NULL,
    place      str     NOT NULL, -- its data directory, which one process has
    version    str     NOT NULL,
    started_at bigint  NOT NULL,
    turn       bigint  NOT NULL DEFAULT 0, -- raised by each of its transactions
    refused    bigint  NOT NULL DEFAULT 0, -- the last turn that was taken so that a lost transaction cannot be committed
    dead_at    bigint,                     -- it writes nothing any more
    keys       str     NOT NULL DEFAULT '', -- the ids of its master keys, that under which it seals first
    longest    bigint  NOT NULL DEFAULT 0  -- its time to live, milliseconds: for so long it may send without having beaten
) WITH (fillfactor = 10);
CREATE INDEX nodes_alive ON nodes (session) WHERE dead_at IS NULL;

-- What a node tells of itself. Apart from its turns, which wait for those of others: who waits still lives.
CREATE TABLE beats (
    session     bigint  PRIMARY KEY,
    beat        bigint  NOT NULL DEFAULT 0,     -- raised while it lives; the others watch whether it moves
    beat_at     bigint  NOT NULL DEFAULT 0,     -- by its clock, for people
    config_seen bigint  NOT NULL DEFAULT 0,     -- the version of the configuration that is in force there
    leaving     bigint  NOT NULL DEFAULT 0,     -- it gives up what it holds
    profiles    str     NOT NULL DEFAULT ''     -- the hash of the provider profiles that it judges replies by
) WITH (fillfactor = 10);

-- Which node sends the mail of a lane, and which one keeps house (unit 4611686018427387904). Session 0: none.
CREATE TABLE leases (
    unit    bigint PRIMARY KEY,
    session bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE lease_changes (
    one     bigint PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    version bigint NOT NULL DEFAULT 0 -- raised by every change of leases
) WITH (fillfactor = 10);
INSERT INTO lease_changes DEFAULT VALUES;

-- Whoever writes holds the lock of this row until its commit, so that numbers rise with the commits.
CREATE TABLE turns (
    one            bigint PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    last_event     bigint NOT NULL DEFAULT 0,
    last_message   bigint NOT NULL DEFAULT 0,
    config_version bigint NOT NULL DEFAULT 0 -- raised by every change of what is configured
) WITH (fillfactor = 10);
INSERT INTO turns DEFAULT VALUES;

-- The marks of attempts under way: between its mark and its settlement a message may have gone out.
CREATE TABLE marks (
    message       bigint NOT NULL,
    session       bigint NOT NULL, -- of the node that makes the attempt
    revision      bigint NOT NULL,
    attempt       bigint NOT NULL,
    lane          bigint NOT NULL,
    priority      bigint NOT NULL,
    due           bigint NOT NULL,
    recipients    bigint NOT NULL,
    slice         bigint NOT NULL, -- recipients of the transaction
    at            bigint NOT NULL,
    account_key   bigint NOT NULL, -- limits, and what the attempt costs under each
    account_cost  bigint NOT NULL,
    tenant_key    bigint NOT NULL,
    tenant_cost   bigint NOT NULL,
    all_cost      bigint NOT NULL,
    PRIMARY KEY (message, revision, attempt) -- of a message that was replaced, the mark that was withdrawn may go a little later
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX marks_session ON marks (session);

CREATE TABLE accounts (
    number     bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    tenant     str    NOT NULL,
    id         str    NOT NULL,
    version    bigint NOT NULL,
    config     str    NOT NULL,
    password   bytea,
    dkim_key   bytea,
    paused     bigint NOT NULL DEFAULT 0,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    oauth      bytea,
    dkim_keys  bytea
);
CREATE UNIQUE INDEX accounts_name ON accounts (tenant, id) WHERE deleted_at IS NULL;

CREATE TABLE refresh_tokens (
    account bigint PRIMARY KEY,
    token   bytea  NOT NULL,
    at      bigint NOT NULL
);

-- Which node uses an account's refresh token at the moment.
CREATE TABLE token_turns (
    account  bigint PRIMARY KEY,
    session  bigint NOT NULL,
    taken_at bigint NOT NULL -- by this server's clock
) WITH (fillfactor = 50);

CREATE TABLE secret_warnings (
    account    bigint PRIMARY KEY,
    expires_at bigint NOT NULL,
    days       bigint NOT NULL
);

CREATE TABLE page_keys (
    name str    PRIMARY KEY,
    xml  bytea  NOT NULL,
    at   bigint NOT NULL
);

-- Requests to the API that nodes have answered.
CREATE TABLE requests (
    number     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    node       str    NOT NULL,
    tenant     str    NOT NULL, -- empty: nobody's
    failed     bigint NOT NULL,
    at         bigint NOT NULL,
    method     str    NOT NULL,
    path       str    NOT NULL,
    status     bigint NOT NULL,
    micros     bigint NOT NULL, -- from its head to the end of its answer
    code       str,
    actor      str    NOT NULL,
    request_id str    NOT NULL,
    messages   str              -- a JSON array
);
CREATE INDEX requests_tenant ON requests (tenant, number);

CREATE TABLE account_circuits (
    account bigint PRIMARY KEY,
    circuit str    NOT NULL
);

CREATE TABLE pools (
    number     bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    tenant     str    NOT NULL,
    id         str    NOT NULL,
    version    bigint NOT NULL,
    config     str    NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX pools_name ON pools (tenant, id);

CREATE TABLE tenants (
    number          bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    id              str    NOT NULL UNIQUE,
    config          str    NOT NULL,
    attachment_auth bytea,
    created_at      bigint NOT NULL,
    updated_at      bigint NOT NULL,
    version         bigint NOT NULL DEFAULT 1
);
INSERT INTO tenants (id, config, created_at, updated_at)
    SELECT 'default', '{"name":"default"}', now.at, now.at FROM (SELECT (extract(epoch FROM now()) * 1000)::bigint AS at) now;

CREATE TABLE removed_tenants (
    id      str    PRIMARY KEY,
    through bigint NOT NULL DEFAULT 0
);

CREATE TABLE tenant_keys (
    tenant           str    NOT NULL,
    id               str    NOT NULL,
    name             str    NOT NULL,
    hash             bytea  NOT NULL,
    scopes           bigint NOT NULL,
    allowed_networks str    NOT NULL,
    created_at       bigint NOT NULL,
    expires_at       bigint,
    last_used_at     bigint,
    version          bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX tenant_keys_hash ON tenant_keys (hash);

CREATE TABLE volumes (
    tenant     str    NOT NULL,
    id         str    NOT NULL,
    shared     bigint NOT NULL,
    admin_set  bigint NOT NULL,
    config     str    NOT NULL,
    secret     bytea,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    version    bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE messages (
    number             bigint PRIMARY KEY,
    tenant             str    NOT NULL,
    id                 str    NOT NULL,
    revision           bigint NOT NULL,
    state              bigint NOT NULL,
    account            bigint NOT NULL,
    priority           bigint NOT NULL,
    attempts           bigint NOT NULL DEFAULT 0,
    sequence           bigint NOT NULL DEFAULT 0,
    envelope_sender    str    NOT NULL,
    subject            str,
    message_id_header  str    NOT NULL,
    created_at         bigint NOT NULL,
    send_at            bigint,
    expires_at         bigint NOT NULL,
    on_ambiguous       bigint NOT NULL,
    possible_duplicate bigint NOT NULL DEFAULT 0,
    hold_reason        str,
    batch              str,
    tags               str,
    metadata           str,
    content_hash       bytea,
    pool               bigint
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX messages_name ON messages (tenant, id);
CREATE INDEX messages_tenant ON messages (tenant, number);
CREATE INDEX messages_notable ON messages (state, number) INCLUDE (priority) WHERE state <> 0 AND state <> 10;
CREATE INDEX messages_tenant_state ON messages (tenant, state, number) WHERE state <> 0 AND state <> 10;
CREATE INDEX messages_batch ON messages (batch, tenant, number) WHERE batch IS NOT NULL;
CREATE INDEX messages_message_id ON messages (message_id_header, tenant, number)
    WHERE NOT (substr(message_id_header, 2, length(id) + 1) = id || '@' AND instr(id, '@') = 0);

CREATE TABLE bodies (
    message bigint PRIMARY KEY,
    json    bytea,
    spool   str,
    size    bigint NOT NULL,
    sources bigint NOT NULL DEFAULT 0
) WITH (toast_tuple_target = 8160);
ALTER TABLE bodies ALTER COLUMN json SET STORAGE EXTERNAL;
CREATE INDEX bodies_spool ON bodies (spool) WHERE spool IS NOT NULL;

-- Bodies beyond 256 KB, by the name that bodies.spool has, in parts of 256 KB: for nodes that have no file of it.
CREATE TABLE large_bodies (
    name   str    NOT NULL,
    part   bigint NOT NULL,
    octets bytea  NOT NULL,
    PRIMARY KEY (name, part)
);
ALTER TABLE large_bodies ALTER COLUMN octets SET STORAGE EXTERNAL;
CREATE TABLE large_body_names (
    name    str    PRIMARY KEY, -- in its own transaction, after the last part
    size    bigint NOT NULL,
    made_at bigint NOT NULL
);

CREATE TABLE recipients (
    message       bigint NOT NULL,
    ordinal       bigint NOT NULL,
    address       str    NOT NULL,
    state         bigint NOT NULL,
    rounds        bigint NOT NULL DEFAULT 0,
    smtp_code     bigint,
    enhanced_code str,
    reply         str,
    rule          str,
    PRIMARY KEY (message, ordinal)
) WITH (fillfactor = 60);
CREATE INDEX recipients_address ON recipients (address COLLATE nocase, message);

CREATE TABLE queue (
    message     bigint PRIMARY KEY,
    lane        bigint NOT NULL,
    priority    bigint NOT NULL,
    due         bigint NOT NULL,
    state       bigint NOT NULL,
    revision    bigint NOT NULL,
    attempt     bigint NOT NULL,
    round       bigint NOT NULL,
    recipients  bigint NOT NULL,
    marked      bigint NOT NULL DEFAULT 0,
    expires_at  bigint NOT NULL,
    not_by      str,
    flow        bigint NOT NULL DEFAULT 0,
    destination bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX queue_lane ON queue (lane, priority, flow, message) WHERE state = 0 AND due = 0;
CREATE INDEX queue_age ON queue (lane, priority, message) WHERE state = 0 AND due = 0 AND flow <> 0;
CREATE INDEX queue_due ON queue (lane, priority, due, message) WHERE state = 0 AND due > 0;
CREATE INDEX queue_flow ON queue (lane, priority, flow, due, message) WHERE state = 0 AND due > 0;
CREATE INDEX queue_expiry ON queue (expires_at) WHERE state IN (0, 3);
CREATE INDEX queue_unready ON queue (state, lane, priority) WHERE state <> 0;
CREATE INDEX queue_destination ON queue (lane, message) WHERE destination = 1;

CREATE TABLE events (
    position bigint PRIMARY KEY,
    tenant   str    NOT NULL,
    message  bigint,
    sequence bigint NOT NULL,
    type     bigint NOT NULL,
    at       bigint NOT NULL,
    status   bigint NOT NULL,
    account  bigint,
    attempt  bigint NOT NULL,
    detail   bytea
);
CREATE UNIQUE INDEX events_message ON events (message, sequence) WHERE message IS NOT NULL;
CREATE INDEX events_tenant ON events (tenant, position);

CREATE TABLE attempts (
    message  bigint NOT NULL,
    ordinal  bigint NOT NULL,
    number   bigint NOT NULL,
    counts   bigint NOT NULL,
    times    bigint NOT NULL,
    account  bigint NOT NULL,
    began_at bigint NOT NULL,
    ended_at bigint NOT NULL,
    detail   str    NOT NULL,
    PRIMARY KEY (message, ordinal)
);
CREATE INDEX attempts_age ON attempts (ended_at);

CREATE TABLE message_traces (
    message     bigint PRIMARY KEY,
    traceparent str    NOT NULL,
    tracestate  str
);

CREATE TABLE suppressions (
    tenant     str    NOT NULL,
    address    str    NOT NULL,
    reason     str    NOT NULL,
    source     bigint NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    PRIMARY KEY (tenant, address)
);
CREATE INDEX suppressions_source ON suppressions (tenant, source, address);

-- The tenants that ever had one, for nodes to learn them from each other.
CREATE TABLE suppressing_tenants (
    number bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    tenant str    NOT NULL UNIQUE
);
CREATE FUNCTION learn_suppressing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO suppressing_tenants (tenant) SELECT NEW.tenant
        WHERE NOT EXISTS (SELECT 1 FROM suppressing_tenants WHERE tenant = NEW.tenant);
    RETURN NULL;
END $$;
CREATE TRIGGER suppressions_new AFTER INSERT ON suppressions FOR EACH ROW EXECUTE FUNCTION learn_suppressing();

CREATE TABLE suspended_batches (
    tenant str    NOT NULL,
    batch  str    NOT NULL,
    since  bigint NOT NULL,
    PRIMARY KEY (tenant, batch)
);

CREATE TABLE batch_weights (
    tenant str    NOT NULL,
    batch  str    NOT NULL,
    flow   bigint NOT NULL,
    weight bigint NOT NULL,
    since  bigint NOT NULL,
    PRIMARY KEY (tenant, batch)
);

CREATE TABLE batch_counts (
    tenant str    NOT NULL,
    batch  str    NOT NULL,
    state  bigint NOT NULL,
    count  bigint NOT NULL,
    PRIMARY KEY (tenant, batch, state)
) WITH (fillfactor = 50);

CREATE TABLE limit_uses (
    key      bigint NOT NULL,
    "window" bigint NOT NULL,
    slot     bigint NOT NULL,
    count    bigint NOT NULL,
    PRIMARY KEY (key, "window", slot)
) WITH (fillfactor = 50);

CREATE TABLE destination_uses (
    account  bigint NOT NULL,
    domain   str    NOT NULL,
    "window" bigint NOT NULL,
    slot     bigint NOT NULL,
    count    bigint NOT NULL,
    PRIMARY KEY (account, domain, "window", slot)
) WITH (fillfactor = 50);
CREATE INDEX destination_uses_slot ON destination_uses (slot);

CREATE TABLE webhooks (
    tenant              str    NOT NULL,
    id                  str    NOT NULL,
    url                 str    NOT NULL,
    secret              bytea  NOT NULL,
    types               str    NOT NULL,
    final_only          bigint NOT NULL,
    max_batch           bigint NOT NULL,
    paused              bigint NOT NULL,
    acknowledged        bigint NOT NULL,
    failing_since       bigint,
    failures            bigint NOT NULL,
    disabled_at         bigint,
    last_error          str,
    version             bigint NOT NULL DEFAULT 1,
    style               bigint NOT NULL DEFAULT 0,
    auth                bytea,
    previous_secret     bytea,
    previous_until      bigint,
    batches             str,
    replay_acknowledged bigint,
    replay_through      bigint,
    replay_batches      str,
    quiet_until         bigint,
    called_at           bigint,
    empty_reports       bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant, id)
) WITH (fillfactor = 50);

CREATE TABLE webhook_resends (
    tenant   str    NOT NULL,
    webhook  str    NOT NULL,
    position bigint NOT NULL,
    since    bigint NOT NULL,
    failures bigint NOT NULL,
    due      bigint NOT NULL,
    PRIMARY KEY (tenant, webhook, position)
);

CREATE TABLE acknowledgements (
    tenant   str    NOT NULL,
    webhook  str    NOT NULL,
    minute   bigint NOT NULL,
    position bigint NOT NULL,
    at       bigint NOT NULL,
    PRIMARY KEY (tenant, webhook, minute)
);
CREATE INDEX acknowledgements_position ON acknowledgements (tenant, webhook, position);

CREATE TABLE retained (
    subject  bigint PRIMARY KEY,
    tenant   str    NOT NULL,
    stage    bigint NOT NULL,
    position bigint NOT NULL,
    at       bigint NOT NULL
);
CREATE INDEX retained_order ON retained (tenant, stage, position);

CREATE TABLE event_floors (
    tenant   str    PRIMARY KEY,
    position bigint NOT NULL
);

CREATE TABLE idempotency (
    tenant      str    NOT NULL,
    key         str    NOT NULL,
    fingerprint bytea  NOT NULL,
    status      bigint NOT NULL,
    body        bytea  NOT NULL,
    created_at  bigint NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE link_key (
    one    bigint PRIMARY KEY CHECK (one = 1),
    secret bytea  NOT NULL
);

CREATE TABLE link_objects (
    number        bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    tenant        str    NOT NULL,
    volume_tenant str    NOT NULL,
    volume        str    NOT NULL,
    place         str    NOT NULL,
    key           str    NOT NULL,
    sha256        bytea  NOT NULL,
    size          bigint NOT NULL,
    uploaded      bigint NOT NULL DEFAULT 0,
    expires_at    bigint NOT NULL,
    due           bigint NOT NULL,
    removing      bigint NOT NULL DEFAULT 0,
    tries         bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX link_objects_content ON link_objects (tenant, volume_tenant, volume, place, sha256) WHERE removing = 0;
CREATE INDEX link_objects_due ON link_objects (due);
CREATE INDEX link_objects_volume ON link_objects (volume_tenant, volume, expires_at);

CREATE TABLE links (
    number       bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    message      bigint NOT NULL,
    revision     bigint NOT NULL,
    ordinal      bigint NOT NULL,
    object       bigint NOT NULL,
    name         str    NOT NULL,
    content_type str    NOT NULL,
    url          str    NOT NULL,
    expires_at   bigint NOT NULL
);
CREATE UNIQUE INDEX links_place ON links (message, revision, ordinal);
CREATE INDEX links_object ON links (object);
CREATE INDEX links_expiry ON links (expires_at);

CREATE TABLE generations (
    number      bigint PRIMARY KEY,
    id          bytea  NOT NULL,
    key         bytea  NOT NULL,
    first_event bigint NOT NULL,
    first_audit bigint NOT NULL,
    made_at     bigint NOT NULL,
    backup_at   bigint
);

CREATE TABLE compat_documents (
    tenant   str   NOT NULL,
    kind     str   NOT NULL,
    id       str   NOT NULL,
    document bytea NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);

CREATE TABLE compat_commands (
    id       bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    at       bigint NOT NULL,
    endpoint str    NOT NULL,
    tenant   str,
    payload  str    NOT NULL,
    status   bigint NOT NULL
);
CREATE INDEX compat_commands_tenant ON compat_commands (tenant, id);

CREATE TABLE compat_hidden (
    message  bigint PRIMARY KEY,
    revision bigint NOT NULL
);

CREATE TABLE operations (
    number     bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    tenant     str    NOT NULL,
    id         str    NOT NULL,
    action     bigint NOT NULL,
    search     str    NOT NULL,
    details    str    NOT NULL,
    asked_at   bigint NOT NULL,
    through    bigint NOT NULL,
    expected   bigint NOT NULL,
    actor      str    NOT NULL,
    created_at bigint NOT NULL,
    state      bigint NOT NULL DEFAULT 0,
    cursor     bigint NOT NULL,
    changed    bigint NOT NULL DEFAULT 0,
    refused    bigint NOT NULL DEFAULT 0,
    ended_at   bigint,
    undoes     bigint,
    undone_by  str,
    trouble    str
);
CREATE UNIQUE INDEX operations_name ON operations (tenant, id);
CREATE INDEX operations_running ON operations (number) WHERE state = 0;
CREATE INDEX operations_ended ON operations (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX operations_undoes ON operations (undoes) WHERE undoes IS NOT NULL;

CREATE TABLE operation_changes (
    operation bigint NOT NULL,
    message   bigint NOT NULL,
    before    str    NOT NULL,
    PRIMARY KEY (operation, message)
);

CREATE TABLE settings (
    name  str PRIMARY KEY,
    value str NOT NULL
);

CREATE TABLE secret_keys (
    key_id str   PRIMARY KEY,
    proof  bytea NOT NULL
);

CREATE TABLE audit (
    number bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    at     bigint NOT NULL,
    actor  str    NOT NULL,
    action str    NOT NULL,
    object str    NOT NULL,
    before str,
    after  str
);

-- The highest number that was given of each kind.
CREATE VIEW given_numbers AS
    SELECT 'events' AS name, last_event AS last FROM turns
    UNION ALL SELECT 'messages', last_message FROM turns
    UNION ALL SELECT 'audit', coalesce(pg_sequence_last_value(pg_get_serial_sequence('audit', 'number')::regclass), 0);

-- Ready mail whose batch is suspended is set aside, however it became ready.
CREATE FUNCTION set_aside() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM suspended_batches) AND EXISTS (
        SELECT 1 FROM messages m JOIN suspended_batches s ON s.tenant = m.tenant AND s.batch = m.batch WHERE m.number = NEW.message)
    THEN
        NEW.state := 3;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER queue_batch_new BEFORE INSERT ON queue FOR EACH ROW WHEN (NEW.state = 0 AND NEW.flow <> 0) EXECUTE FUNCTION set_aside();
CREATE TRIGGER queue_batch_again BEFORE UPDATE OF state ON queue FOR EACH ROW WHEN (NEW.state = 0 AND NEW.flow <> 0)
    EXECUTE FUNCTION set_aside();

-- How many messages of a batch are in each state.
CREATE FUNCTION count_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE batch_counts SET count = count - 1 WHERE tenant = OLD.tenant AND batch = OLD.batch AND state = OLD.state;
        DELETE FROM batch_counts WHERE tenant = OLD.tenant AND batch = OLD.batch AND state = OLD.state AND count = 0;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.batch IS NOT NULL THEN
        INSERT INTO batch_counts AS b (tenant, batch, state, count) VALUES (NEW.tenant, NEW.batch, NEW.state, 1)
            ON CONFLICT (tenant, batch, state) DO UPDATE SET count = b.count + 1;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER messages_batch_new AFTER INSERT ON messages FOR EACH ROW WHEN (NEW.batch IS NOT NULL) EXECUTE FUNCTION count_batch();
CREATE TRIGGER messages_batch_state AFTER UPDATE OF state, batch ON messages FOR EACH ROW
    WHEN ((OLD.batch IS NOT NULL OR NEW.batch IS NOT NULL) AND (OLD.state <> NEW.state OR OLD.batch IS DISTINCT FROM NEW.batch))
    EXECUTE FUNCTION count_batch();
CREATE TRIGGER messages_batch_gone AFTER DELETE ON messages FOR EACH ROW WHEN (OLD.batch IS NOT NULL) EXECUTE FUNCTION count_batch();

CREATE FUNCTION forget_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM compat_hidden WHERE message = OLD.number;
    DELETE FROM message_traces WHERE message = OLD.number;
    RETURN NULL;
END $$;
CREATE TRIGGER messages_gone AFTER DELETE ON messages FOR EACH ROW EXECUTE FUNCTION forget_message();

-- What is configured has changed, so that every node reads it anew.
CREATE FUNCTION configuration_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE turns SET config_version = config_version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_changed AFTER INSERT OR UPDATE OR DELETE ON accounts FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER pools_changed AFTER INSERT OR UPDATE OR DELETE ON pools FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER tenants_changed AFTER INSERT OR UPDATE OR DELETE ON tenants FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER keys_changed AFTER INSERT OR DELETE OR UPDATE OF version ON tenant_keys FOR EACH STATEMENT
    EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER volumes_changed AFTER INSERT OR UPDATE OR DELETE ON volumes FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER webhooks_changed AFTER INSERT OR DELETE OR UPDATE OF version ON webhooks FOR EACH STATEMENT
    EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER settings_changed AFTER INSERT OR UPDATE ON settings FOR EACH ROW WHEN (NEW.name = 'dispatcher.suspended')
    EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER weights_changed AFTER INSERT OR UPDATE OR DELETE ON batch_weights FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
