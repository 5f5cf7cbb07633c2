CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE containers (
    id BIGSERIAL NOT NULL,
    kind VARCHAR NOT NULL,
    entity VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    description VARCHAR NOT NULL,
    author VARCHAR NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT registry_has_no_entity CHECK ((kind = 'registry') = (entity = '')),
    CONSTRAINT known_kind CHECK (kind IN ('registry', 'project')),
    UNIQUE (kind, entity, name)
);
CREATE TABLE manifests (
    digest VARCHAR NOT NULL,
    entries TEXT NOT NULL,
    PRIMARY KEY (digest)
);
CREATE TABLE collections (
    id BIGSERIAL NOT NULL,
    container_id BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    type VARCHAR NOT NULL,
    author VARCHAR NOT NULL,
    created_at BIGINT NOT NULL,
    next_index INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(container_id) REFERENCES containers (id),
    UNIQUE (container_id, name)
);
CREATE TABLE collection_tags (
    collection_id BIGINT NOT NULL,
    tag VARCHAR NOT NULL,
    PRIMARY KEY (collection_id, tag),
    FOREIGN KEY(collection_id) REFERENCES collections (id)
);
CREATE TABLE versions (
    id BIGSERIAL NOT NULL,
    artifact_id VARCHAR NOT NULL,
    home_collection_id BIGINT NOT NULL,
    home_index INTEGER NOT NULL,
    digest VARCHAR NOT NULL,
    size BIGINT NOT NULL,
    file_count INTEGER NOT NULL,
    metadata_json TEXT NOT NULL,
    author VARCHAR NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(digest) REFERENCES manifests (digest),
    FOREIGN KEY(home_collection_id) REFERENCES collections (id),
    UNIQUE (artifact_id),
    UNIQUE (home_collection_id, home_index)
);
CREATE TABLE events (
    id BIGSERIAL NOT NULL,
    type VARCHAR NOT NULL,
    recorded_at BIGINT NOT NULL,
    author VARCHAR NOT NULL,
    collection_id BIGINT NOT NULL,
    version_id BIGINT,
    version_index INTEGER,
    alias VARCHAR,
    tag VARCHAR,
    previous_index INTEGER,
    evaluated BOOLEAN NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT whole_version CHECK ((version_id IS NULL) = (version_index IS NULL)),
    FOREIGN KEY(collection_id) REFERENCES collections (id),
    FOREIGN KEY(version_id) REFERENCES versions (id)
);
CREATE INDEX ix_events_unevaluated ON events (id) WHERE evaluated = false;
CREATE TABLE memberships (
    collection_id BIGINT NOT NULL,
    version_index INTEGER NOT NULL,
    version_id BIGINT NOT NULL,
    author VARCHAR NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (collection_id, version_index),
    FOREIGN KEY(collection_id) REFERENCES collections (id),
    FOREIGN KEY(version_id) REFERENCES versions (id),
    UNIQUE (collection_id, version_id)
);
CREATE INDEX ix_memberships_version_id ON memberships (version_id);
CREATE TABLE aliases (
    collection_id BIGINT NOT NULL,
    alias VARCHAR NOT NULL,
    version_index INTEGER NOT NULL,
    PRIMARY KEY (collection_id, alias),
    FOREIGN KEY(collection_id, version_index) REFERENCES memberships (collection_id, version_index)
);
CREATE INDEX ix_aliases_version ON aliases (collection_id, version_index);
CREATE TABLE version_tags (
    collection_id BIGINT NOT NULL,
    version_index INTEGER NOT NULL,
    tag VARCHAR NOT NULL,
    PRIMARY KEY (collection_id, version_index, tag),
    FOREIGN KEY(collection_id, version_index) REFERENCES memberships (collection_id, version_index)
);
CREATE TABLE automations (
    id BIGSERIAL NOT NULL,
    name VARCHAR NOT NULL,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    cooldown_began_at BIGINT,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_automations_name ON automations (name) WHERE deleted_at IS NULL;
CREATE TABLE secrets (
    id BIGSERIAL NOT NULL,
    name VARCHAR NOT NULL,
    ciphertext TEXT NOT NULL,
    previous_ciphertext TEXT,
    previous_until BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);
CREATE TABLE state (
    key VARCHAR NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (key)
);
CREATE TABLE workers (
    id VARCHAR NOT NULL,
    host VARCHAR NOT NULL,
    pid INTEGER NOT NULL,
    started_at BIGINT NOT NULL,
    beat_at BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE integrations (
    id BIGSERIAL NOT NULL,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    url VARCHAR,
    url_secret_id BIGINT,
    access_token_secret_id BIGINT,
    signing_secret_id BIGINT,
    signature_encoding VARCHAR NOT NULL,
    schedule_ms TEXT NOT NULL,
    timeout_ms INTEGER NOT NULL,
    max_in_flight INTEGER NOT NULL,
    author VARCHAR NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    disabled_reason VARCHAR,
    deleted_at BIGINT,
    PRIMARY KEY (id),
    CONSTRAINT webhook_has_url CHECK ((kind = 'webhook') = (url IS NOT NULL)),
    CONSTRAINT slack_has_secret CHECK (kind <> 'slack' OR url_secret_id IS NOT NULL OR deleted_at IS NOT NULL),
    CONSTRAINT known_kind CHECK (kind IN ('webhook', 'slack')),
    CONSTRAINT known_signature_encoding CHECK (signature_encoding IN ('base64', 'hex')),
    CONSTRAINT positive_limits CHECK (max_in_flight > 0 AND timeout_ms > 0),
    FOREIGN KEY(access_token_secret_id) REFERENCES secrets (id),
    FOREIGN KEY(signing_secret_id) REFERENCES secrets (id),
    FOREIGN KEY(url_secret_id) REFERENCES secrets (id)
);
CREATE UNIQUE INDEX uq_integrations_name ON integrations (name) WHERE deleted_at IS NULL;
CREATE TABLE revisions (
    id BIGSERIAL NOT NULL,
    automation_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    definition TEXT NOT NULL,
    mode VARCHAR NOT NULL,
    author VARCHAR NOT NULL,
    saved_at BIGINT NOT NULL,
    after_event_id BIGINT NOT NULL,
    until_event_id BIGINT,
    container_id BIGINT NOT NULL,
    collection_id BIGINT,
    integration_id BIGINT,
    PRIMARY KEY (id),
    CONSTRAINT known_mode CHECK (mode IN ('enabled', 'disabled', 'shadow', 'deleted')),
    FOREIGN KEY(automation_id) REFERENCES automations (id),
    FOREIGN KEY(collection_id) REFERENCES collections (id),
    FOREIGN KEY(container_id) REFERENCES containers (id),
    FOREIGN KEY(integration_id) REFERENCES integrations (id),
    UNIQUE (automation_id, number)
);
CREATE INDEX ix_revisions_container_id ON revisions (container_id);
CREATE UNIQUE INDEX uq_revisions_current ON revisions (automation_id) WHERE until_event_id IS NULL;
CREATE TABLE executions (
    id BIGSERIAL NOT NULL,
    webhook_id VARCHAR NOT NULL,
    automation_id BIGINT NOT NULL,
    revision_id BIGINT NOT NULL,
    event_id BIGINT NOT NULL,
    integration_id BIGINT,
    status VARCHAR NOT NULL,
    reason VARCHAR,
    created_at BIGINT NOT NULL,
    due_at BIGINT,
    finished_at BIGINT,
    attempts INTEGER NOT NULL,
    retries_used INTEGER NOT NULL,
    worker_id VARCHAR,
    lease_until BIGINT,
    status_code INTEGER,
    duration_ms FLOAT,
    request_body TEXT,
    PRIMARY KEY (id),
    CONSTRAINT leased CHECK ((status = 'running') = (lease_until IS NOT NULL)),
    CONSTRAINT pending_is_due CHECK (status <> 'pending' OR due_at IS NOT NULL),
    CONSTRAINT known_status CHECK (status IN ('pending', 'running', 'finished', 'failed', 'skipped')),
    FOREIGN KEY(automation_id) REFERENCES automations (id),
    FOREIGN KEY(event_id) REFERENCES events (id),
    FOREIGN KEY(integration_id) REFERENCES integrations (id),
    FOREIGN KEY(revision_id) REFERENCES revisions (id),
    UNIQUE (automation_id, event_id)
);
CREATE INDEX ix_executions_due ON executions (integration_id, due_at) WHERE status = 'pending';
CREATE INDEX ix_executions_failed ON executions (finished_at) WHERE status = 'failed';
CREATE INDEX ix_executions_leased ON executions (lease_until) WHERE status = 'running';
CREATE TABLE attempts (
    id BIGSERIAL NOT NULL,
    execution_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    started_at BIGINT NOT NULL,
    duration_ms FLOAT NOT NULL,
    url VARCHAR NOT NULL,
    request_headers TEXT NOT NULL,
    request_body TEXT NOT NULL,
    status_code INTEGER,
    response_body TEXT NOT NULL,
    error TEXT,
    outcome VARCHAR NOT NULL,
    next_try_at BIGINT,
    PRIMARY KEY (id),
    FOREIGN KEY(execution_id) REFERENCES executions (id),
    UNIQUE (execution_id, number)
);
ALTER TABLE events ADD COLUMN cause VARCHAR;
CREATE TABLE circuits (
    integration_id BIGINT NOT NULL,
    failures INTEGER NOT NULL,
    opened_at BIGINT,
    probe_at BIGINT,
    probes INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (integration_id),
    CONSTRAINT open_is_probed CHECK ((opened_at IS NULL) = (probe_at IS NULL)),
    FOREIGN KEY(integration_id) REFERENCES integrations (id)
);
CREATE INDEX ix_executions_missed ON executions (integration_id, finished_at) WHERE status IN ('failed', 'skipped');
CREATE INDEX ix_events_recorded ON events (recorded_at);
CREATE INDEX ix_executions_event ON executions (event_id);
ALTER TABLE circuits ADD COLUMN failing_since BIGINT DEFAULT '0' NOT NULL;
CREATE TABLE circuit_changes (
    id BIGSERIAL NOT NULL,
    integration_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    closed BOOLEAN NOT NULL,
    opened_at BIGINT NOT NULL,
    probe_at BIGINT NOT NULL,
    failures INTEGER NOT NULL,
    reason TEXT NOT NULL,
    waiting INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(integration_id) REFERENCES integrations (id)
);
CREATE INDEX ix_executions_tried ON executions (integration_id, due_at) WHERE status = 'pending' AND attempts > 0;
INSERT INTO alembic_version VALUES ('0006');
