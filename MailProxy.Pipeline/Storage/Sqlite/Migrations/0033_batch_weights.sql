-- What batches weigh in the turns of their lanes: those that weigh more than 1. flow is FlowKey, as in queue.
CREATE TABLE batch_weights (
    tenant TEXT    NOT NULL,
    batch  TEXT    NOT NULL,
    flow   INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    since  INTEGER NOT NULL,
    PRIMARY KEY (tenant, batch)
) STRICT, WITHOUT ROWID;
