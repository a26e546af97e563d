"""Initial schema, with row security by court on PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.core.row_security import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SOME_EVIDENCE = (
    (
        "ix_evidence_absent",
        ["court_id", "case_id", "due_at", "id"],
        "state IN ('declared', 'receiving', 'missing', 'quarantined')",
    ),
    (
        "ix_evidence_odd",
        ["court_id", "case_id"],
        """state IN ('missing', 'quarantined') OR review_state = 'suspect'
        OR CAST(findings AS TEXT) != '[]'""",
    ),
    (
        "ix_evidence_found",
        ["court_id", "review_state", "captured_at", "id"],
        "CAST(findings AS TEXT) != '[]'",
    ),
)
COURT_SCOPED = (
    "conduct_tallies",
    "case_states",
    "conduct_checks",
    "conduct_due",
    "court_rules",
    "findings",
    "campaign_actions",
    "campaign_cases",
    "campaigns",
    "inspection_notices",
    "oversight_alerts",
    "oversight_rules",
    "oversight_tasks",
    "weekly_meetings",
    "weekly_plans",
    "actions",
    "case_assignments",
    "case_chains",
    "cases",
    "changes",
    "clock_observations",
    "device_chains",
    "device_keys",
    "device_records",
    "devices",
    "duty_bookings",
    "enrolment_codes",
    "erasures",
    "events",
    "evidence",
    "exports",
    "guest_sessions",
    "guest_visits",
    "head_attestations",
    "held_records",
    "invitations",
    "legal_holds",
    "line_erasures",
    "log_entries",
    "mission_cases",
    "mission_devices",
    "mission_officers",
    "live_entries",
    "live_missions",
    "missions",
    "notice_preferences",
    "notices",
    "opinions",
    "outbox",
    "parties",
    "picture_marks",
    "receipts",
    "record_conflicts",
    "redactions",
    "register_entries",
    "reuse_alarms",
    "release_rules",
    "retention_classes",
    "retention_rules",
    "review_draws",
    "review_entries",
    "review_goals",
    "review_markers",
    "review_samples",
    "review_seen",
    "saved_views",
    "share_items",
    "share_openings",
    "share_readings",
    "shares",
    "sign_ins",
    "upload_grants",
    "uploads",
    "users",
    "webhook_attempts",
    "webhook_deliveries",
    "webhooks",
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column(
            "size_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evicted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blobs")),
    )
    op.create_index(
        op.f("ix_blobs_copies_stored_at"), "blobs", ["copies", "stored_at"], unique=False
    )
    op.create_table(
        "courts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("court_code", sa.Text(), nullable=False),
        sa.Column("region_code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courts")),
        sa.UniqueConstraint("court_code", name=op.f("uq_courts_court_code")),
    )
    op.create_table(
        "derivatives",
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column(
            "size_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source_sha256", "name", name=op.f("pk_derivatives")),
    )
    op.create_table(
        "examinations",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("findings", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("examined_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_examinations")),
    )
    op.create_table(
        "idempotent_replies",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("principal", "key", name=op.f("pk_idempotent_replies")),
    )
    op.create_index(
        op.f("ix_idempotent_replies_created_at"), "idempotent_replies", ["created_at"], unique=False
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column(
            "log_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("handler", "log_index", name=op.f("uq_jobs_handler_log_index")),
    )
    op.create_index(
        op.f("ix_jobs_state_lease_until"), "jobs", ["state", "lease_until"], unique=False
    )
    op.create_index(op.f("ix_jobs_state_run_after"), "jobs", ["state", "run_after"], unique=False)
    op.create_table(
        "log_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "next_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("generation", sa.Text(), nullable=False),
        sa.Column(
            "feed_horizon", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_state")),
    )
    op.create_table(
        "periodic_runs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_periodic_runs")),
    )
    op.create_table(
        "proofs_seen",
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("nonce", "jti", name=op.f("pk_proofs_seen")),
    )
    op.create_index(op.f("ix_proofs_seen_seen_at"), "proofs_seen", ["seen_at"], unique=False)
    op.create_table(
        "sign_in_guards",
        sa.Column("login_key", sa.Text(), nullable=False),
        sa.Column("failed_count", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("login_key", name=op.f("pk_sign_in_guards")),
    )
    op.create_index(
        op.f("ix_sign_in_guards_updated_at"), "sign_in_guards", ["updated_at"], unique=False
    )
    op.create_table(
        "worker_cursors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "log_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker_cursors")),
    )
    op.create_table(
        "changes",
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column(
            "log_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_changes_court_id_courts")
        ),
        sa.PrimaryKeyConstraint(
            "recipient", "log_index", "topic", "entity_id", name=op.f("pk_changes")
        ),
    )
    op.create_table(
        "events",
        sa.Column(
            "log_index",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("case_tag", sa.Text(), nullable=True),
        sa.Column("case_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("case_prev", sa.Text(), nullable=True),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("src", sa.Text(), nullable=False),
        sa.Column("ep", sa.Integer(), nullable=True),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("hid", sa.Text(), nullable=False),
        sa.Column("h", sa.Text(), nullable=False),
        sa.Column("p", sa.Text(), nullable=True),
        sa.Column("salt", sa.Text(), nullable=True),
        sa.Column("sig", sa.Text(), nullable=False),
        sa.Column("k", sa.Text(), nullable=False),
        sa.Column("rx", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("subject_type", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("mission_id", sa.Uuid(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_events_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("log_index", name=op.f("pk_events")),
    )
    op.create_index(
        op.f("ix_events_case_id_log_index"), "events", ["case_id", "log_index"], unique=False
    )
    op.create_index(
        op.f("ix_events_court_id_log_index"), "events", ["court_id", "log_index"], unique=False
    )
    op.create_index(
        op.f("ix_events_court_id_kind_log_index"),
        "events",
        ["court_id", "kind", "log_index"],
        unique=False,
    )
    op.create_index(
        op.f("ix_events_court_id_actor_id_log_index"),
        "events",
        ["court_id", "actor_id", "log_index"],
        unique=False,
    )
    op.create_index(
        op.f("ix_events_mission_id_log_index"), "events", ["mission_id", "log_index"], unique=False
    )
    op.create_index(op.f("ix_events_hid"), "events", ["hid"], unique=True)
    op.create_index(op.f("ix_events_src_ep_seq"), "events", ["src", "ep", "seq"], unique=False)
    op.create_index(
        op.f("ix_events_subject_id_log_index"), "events", ["subject_id", "log_index"], unique=False
    )
    op.create_table(
        "case_chains",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("case_key", sa.LargeBinary(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("last_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_leaf", sa.LargeBinary(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_case_chains_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_chains")),
    )
    op.create_table(
        "log_tiles",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "index",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name=op.f("pk_log_tiles")),
    )
    op.create_table(
        "tile_mirrors",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "index",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name=op.f("pk_tile_mirrors")),
    )
    op.create_index(op.f("ix_tile_mirrors_sha256"), "tile_mirrors", ["sha256"], unique=False)
    op.create_table(
        "checkpoints",
        sa.Column(
            "size",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("witnessed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("timestamped_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_checkpoints")),
    )
    op.create_index(
        op.f("ix_checkpoints_witnessed_at"), "checkpoints", ["witnessed_at"], unique=False
    )
    op.create_index(
        op.f("ix_checkpoints_timestamped_at"), "checkpoints", ["timestamped_at"], unique=False
    )
    op.create_table(
        "cosignatures",
        sa.Column(
            "size",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("cosigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["size"], ["checkpoints.size"], name=op.f("fk_cosignatures_size_checkpoints")
        ),
        sa.PrimaryKeyConstraint("size", "name", name=op.f("pk_cosignatures")),
    )
    op.create_table(
        "timestamps",
        sa.Column(
            "size",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("gen_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["size"], ["checkpoints.size"], name=op.f("fk_timestamps_size_checkpoints")
        ),
        sa.PrimaryKeyConstraint("size", "authority", name=op.f("pk_timestamps")),
    )
    op.create_table(
        "attestors",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "wanted_size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("good_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_attestors")),
    )
    op.create_table(
        "signer_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signer_state")),
    )
    op.create_table(
        "outbox_refused",
        sa.Column(
            "outbox_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("row", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("outbox_id", "found_at", name=op.f("pk_outbox_refused")),
    )
    op.create_table(
        "missions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("place", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_missions_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_missions")),
    )
    op.create_index(op.f("ix_missions_court_id_id"), "missions", ["court_id", "id"], unique=False)
    op.create_index(
        op.f("ix_missions_court_id_starts_at"), "missions", ["court_id", "starts_at"], unique=False
    )
    op.create_table(
        "outbox",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("changes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("mac", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("src", sa.Text(), nullable=False),
        sa.Column("ep", sa.Integer(), nullable=True),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("hid", sa.Text(), nullable=False),
        sa.Column("h", sa.Text(), nullable=False),
        sa.Column("p", sa.Text(), nullable=True),
        sa.Column("salt", sa.Text(), nullable=True),
        sa.Column("sig", sa.Text(), nullable=False),
        sa.Column("k", sa.Text(), nullable=False),
        sa.Column("rx", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("subject_type", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("mission_id", sa.Uuid(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_outbox_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("roles", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("password_temporary", sa.Boolean(), nullable=False),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_last_step", sa.Integer(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["court_id"], ["courts.id"], name=op.f("fk_users_court_id_courts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("login", name=op.f("uq_users_login")),
    )
    op.create_index(op.f("ix_users_court_id_name"), "users", ["court_id", "name"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("court_code", sa.Text(), nullable=False),
        sa.Column("type_code", sa.Text(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("filed_on", sa.Date(), nullable=True),
        sa.Column("deadline_on", sa.Date(), nullable=True),
        sa.Column("handler_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("basis", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("claim_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["court_id"], ["courts.id"], name=op.f("fk_cases_court_id_courts")),
        sa.ForeignKeyConstraint(
            ["handler_id"], ["users.id"], name=op.f("fk_cases_handler_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("court_id", "case_no", name=op.f("uq_cases_court_id_case_no")),
    )
    op.create_index(
        op.f("ix_cases_court_id_handler_id"), "cases", ["court_id", "handler_id"], unique=False
    )
    op.create_index(op.f("ix_cases_court_id_id"), "cases", ["court_id", "id"], unique=False)
    op.create_table(
        "devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("alg", sa.Text(), nullable=True),
        sa.Column("public_jwk", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("jkt", sa.Text(), nullable=True),
        sa.Column("ep", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=True),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_devices_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["users.id"], name=op.f("fk_devices_holder_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("jkt", name=op.f("uq_devices_jkt")),
    )
    op.create_index(op.f("ix_devices_court_id_kind"), "devices", ["court_id", "kind"], unique=False)
    op.create_table(
        "mission_officers",
        sa.Column("mission_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_mission_officers_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["mission_id"], ["missions.id"], name=op.f("fk_mission_officers_mission_id_missions")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_mission_officers_user_id_users")
        ),
        sa.PrimaryKeyConstraint("mission_id", "user_id", name=op.f("pk_mission_officers")),
    )
    op.create_index(
        op.f("ix_mission_officers_user_id"), "mission_officers", ["user_id"], unique=False
    )
    op.create_table(
        "case_assignments",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_case_assignments_case_id_cases")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_case_assignments_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_case_assignments_user_id_users")
        ),
        sa.PrimaryKeyConstraint("case_id", "user_id", name=op.f("pk_case_assignments")),
    )
    op.create_index(
        op.f("ix_case_assignments_user_id"), "case_assignments", ["user_id"], unique=False
    )
    op.create_table(
        "clock_observations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("boot", sa.Text(), nullable=True),
        sa.Column("mono_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("through_suspend", sa.Boolean(), nullable=False),
        sa.Column(
            "device_wall_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("true_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "offset_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("error_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("record_hid", sa.Text(), nullable=True),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seal", sa.Text(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_clock_observations_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_clock_observations_device_id_devices")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_observations")),
    )
    op.create_index(
        op.f("ix_clock_observations_device_id_boot_mono_ms"),
        "clock_observations",
        ["device_id", "boot", "mono_ms"],
        unique=False,
    )
    op.create_index(
        op.f("ix_clock_observations_device_id_device_wall_ms"),
        "clock_observations",
        ["device_id", "device_wall_ms"],
        unique=False,
    )
    op.create_table(
        "device_chains",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("ep", sa.Integer(), nullable=False),
        sa.Column("last_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("held_count", sa.Integer(), nullable=False),
        sa.Column("last_boot", sa.Text(), nullable=True),
        sa.Column(
            "last_mono_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "last_wall_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_device_chains_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_device_chains_device_id_devices")
        ),
        sa.PrimaryKeyConstraint("device_id", "ep", name=op.f("pk_device_chains")),
    )
    op.create_table(
        "device_keys",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("ep", sa.Integer(), nullable=False),
        sa.Column("from_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("jwk", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("record_hid", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_device_keys_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_device_keys_device_id_devices")
        ),
        sa.PrimaryKeyConstraint("device_id", "ep", "from_seq", name=op.f("pk_device_keys")),
    )
    op.create_index(op.f("ix_device_keys_kid"), "device_keys", ["kid"], unique=False)
    op.create_table(
        "head_attestations",
        sa.Column("by_device_id", sa.Uuid(), nullable=False),
        sa.Column("by_ep", sa.Integer(), nullable=False),
        sa.Column("by_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by_hid", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("ep", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hid", sa.Text(), nullable=False),
        sa.Column("shown_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rx", sa.Text(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_device_id"], ["devices.id"], name=op.f("fk_head_attestations_by_device_id_devices")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_head_attestations_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_head_attestations_device_id_devices")
        ),
        sa.PrimaryKeyConstraint(
            "by_device_id", "by_ep", "by_seq", name=op.f("pk_head_attestations")
        ),
    )
    op.create_index(
        op.f("ix_head_attestations_device_id_ep_seq"),
        "head_attestations",
        ["device_id", "ep", "seq"],
        unique=False,
    )
    op.create_table(
        "device_records",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("ep", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hid", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("rx", sa.Text(), nullable=False),
        sa.Column("findings", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("seal", sa.Text(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "ep", "seq", name=op.f("pk_device_records")),
    )
    op.create_table(
        "duty_bookings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("mission_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_over_from", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_duty_bookings_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_duty_bookings_device_id_devices")
        ),
        sa.ForeignKeyConstraint(
            ["handed_over_from"],
            ["duty_bookings.id"],
            name=op.f("fk_duty_bookings_handed_over_from_duty_bookings"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_duty_bookings_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_bookings")),
    )
    op.create_index(
        op.f("ix_duty_bookings_device_id_starts_at"),
        "duty_bookings",
        ["device_id", "starts_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_duty_bookings_user_id_starts_at"),
        "duty_bookings",
        ["user_id", "starts_at"],
        unique=False,
    )
    op.create_table(
        "enrolment_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_enrolment_codes_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_enrolment_codes_device_id_devices")
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["users.id"], name=op.f("fk_enrolment_codes_holder_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_enrolment_codes_code_hash")),
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("mission_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("captured_by", sa.Uuid(), nullable=False),
        sa.Column("ep", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("obj_index", sa.Integer(), nullable=False),
        sa.Column("record_hid", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column(
            "size_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("officer_id", sa.Uuid(), nullable=True),
        sa.Column("officer_source", sa.Text(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("wall", sa.Text(), nullable=False),
        sa.Column("mono_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("boot", sa.Text(), nullable=True),
        sa.Column("through_suspend", sa.Boolean(), nullable=False),
        sa.Column("gnss_at", sa.Text(), nullable=True),
        sa.Column("media_wall", sa.Text(), nullable=True),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("clock_class", sa.Text(), nullable=False),
        sa.Column("zone_source", sa.Text(), nullable=False),
        sa.Column("lat", sa.Text(), nullable=True),
        sa.Column("lon", sa.Text(), nullable=True),
        sa.Column("geo_datum", sa.Text(), nullable=True),
        sa.Column("geo_accuracy_m", sa.Text(), nullable=True),
        sa.Column("geo_source", sa.Text(), nullable=True),
        sa.Column("geo_reason", sa.Text(), nullable=True),
        sa.Column("findings", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("review_state", sa.Text(), nullable=False),
        sa.Column("review_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seal", sa.Text(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        sa.UniqueConstraint(
            "device_id",
            "ep",
            "seq",
            "obj_index",
            name=op.f("uq_evidence_device_id_ep_seq_obj_index"),
        ),
    )
    op.create_index(
        op.f("ix_evidence_court_id_case_id_captured_at_id_media"),
        "evidence",
        ["court_id", "case_id", "captured_at", "id", "media"],
        unique=False,
    )
    op.create_index(
        op.f("ix_evidence_court_id_case_id_id"),
        "evidence",
        ["court_id", "case_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_evidence_court_id_state_due_at"),
        "evidence",
        ["court_id", "state", "due_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_evidence_device_id_sha256"), "evidence", ["device_id", "sha256"], unique=False
    )
    op.create_index(op.f("ix_evidence_mission_id"), "evidence", ["mission_id"], unique=False)
    op.create_index(op.f("ix_evidence_sha256"), "evidence", ["sha256"], unique=False)
    op.create_index(
        op.f("ix_evidence_court_id_review_state_captured_at_id"),
        "evidence",
        ["court_id", "review_state", "captured_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_evidence_officer_id_review_state_captured_at_id"),
        "evidence",
        ["officer_id", "review_state", "captured_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_evidence_captured_by_review_state_captured_at_id"),
        "evidence",
        ["captured_by", "review_state", "captured_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_evidence_court_id_code"),
        "evidence",
        ["court_id", "code"],
        unique=False,
    )
    for name, columns, rule in _SOME_EVIDENCE:
        op.create_index(
            name, "evidence", columns, sqlite_where=sa.text(rule), postgresql_where=sa.text(rule)
        )
    op.create_table(
        "held_records",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("ep", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hid", sa.Text(), nullable=False),
        sa.Column("wire", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("rx", sa.Text(), nullable=False),
        sa.Column("held_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seal", sa.Text(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_held_records_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_held_records_device_id_devices")
        ),
        sa.PrimaryKeyConstraint("device_id", "ep", "seq", name=op.f("pk_held_records")),
    )
    op.create_index(
        op.f("ix_held_records_held_since"), "held_records", ["held_since"], unique=False
    )
    op.create_table(
        "log_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("mission_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("ep", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("record_hid", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("officer_id", sa.Uuid(), nullable=True),
        sa.Column("officer_source", sa.Text(), nullable=False),
        sa.Column("wall", sa.Text(), nullable=False),
        sa.Column("mono_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("boot", sa.Text(), nullable=True),
        sa.Column("through_suspend", sa.Boolean(), nullable=False),
        sa.Column("gnss_at", sa.Text(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("clock_class", sa.Text(), nullable=False),
        sa.Column("lat", sa.Text(), nullable=True),
        sa.Column("lon", sa.Text(), nullable=True),
        sa.Column("geo_datum", sa.Text(), nullable=True),
        sa.Column("geo_accuracy_m", sa.Text(), nullable=True),
        sa.Column("geo_source", sa.Text(), nullable=True),
        sa.Column("geo_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seal", sa.Text(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_log_entries_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_log_entries_device_id_devices")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_entries")),
        sa.UniqueConstraint("device_id", "ep", "seq", name=op.f("uq_log_entries_device_id_ep_seq")),
    )
    op.create_index(
        op.f("ix_log_entries_court_id_case_id_happened_at_id"),
        "log_entries",
        ["court_id", "case_id", "happened_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_log_entries_device_id_boot"), "log_entries", ["device_id", "boot"], unique=False
    )
    op.create_index(op.f("ix_log_entries_mission_id"), "log_entries", ["mission_id"], unique=False)
    op.create_table(
        "mission_cases",
        sa.Column("mission_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_mission_cases_case_id_cases")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_mission_cases_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["mission_id"], ["missions.id"], name=op.f("fk_mission_cases_mission_id_missions")
        ),
        sa.PrimaryKeyConstraint("mission_id", "case_id", name=op.f("pk_mission_cases")),
    )
    op.create_index(op.f("ix_mission_cases_case_id"), "mission_cases", ["case_id"], unique=False)
    op.create_table(
        "mission_devices",
        sa.Column("mission_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_mission_devices_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_mission_devices_device_id_devices")
        ),
        sa.ForeignKeyConstraint(
            ["mission_id"], ["missions.id"], name=op.f("fk_mission_devices_mission_id_missions")
        ),
        sa.PrimaryKeyConstraint("mission_id", "device_id", name=op.f("pk_mission_devices")),
    )
    op.create_index(
        op.f("ix_mission_devices_device_id"), "mission_devices", ["device_id"], unique=False
    )
    op.create_table(
        "parties",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("id_no_sealed", sa.Text(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_parties_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_parties_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parties")),
    )
    op.create_index(op.f("ix_parties_case_id"), "parties", ["case_id"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("ep", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("waits_for", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("s", sa.Text(), nullable=False),
        sa.Column("sig", sa.Text(), nullable=False),
        sa.Column("k", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_receipts_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_receipts_device_id_devices")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint(
            "device_id",
            "ep",
            "seq",
            "sha256",
            "generation",
            name=op.f("uq_receipts_device_id_ep_seq_sha256_generation"),
        ),
    )
    op.create_index(op.f("ix_receipts_device_id_id"), "receipts", ["device_id", "id"], unique=False)
    op.create_index(op.f("ix_receipts_waits_for"), "receipts", ["waits_for"], unique=False)
    op.create_table(
        "record_conflicts",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("ep", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hid", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("wire", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("rx", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seal", sa.Text(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_record_conflicts_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_record_conflicts_device_id_devices")
        ),
        sa.PrimaryKeyConstraint("device_id", "ep", "seq", "hid", name=op.f("pk_record_conflicts")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("jkt", sa.Text(), nullable=False),
        sa.Column("refresh_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bond", sa.Text(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_sign_ins_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_sign_ins_device_id_devices")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("refresh_hash", name=op.f("uq_sign_ins_refresh_hash")),
    )
    op.create_index(op.f("ix_sign_ins_user_id"), "sign_ins", ["user_id"], unique=False)
    op.create_table(
        "upload_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("mission_id", sa.Uuid(), nullable=True),
        sa.Column("objects", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_upload_grants_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_upload_grants_device_id_devices")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_upload_grants_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload_grants")),
    )
    op.create_table(
        "review_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("state_before", sa.Text(), nullable=True),
        sa.Column("reason_before", sa.Text(), nullable=True),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_review_entries_author_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"],
            ["review_entries.id"],
            name=op.f("fk_review_entries_reverses_id_review_entries"),
        ),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_review_entries_reverses_id")),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_review_entries_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_review_entries_evidence_id_evidence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_entries")),
    )
    op.create_index(
        op.f("ix_review_entries_evidence_id_id"),
        "review_entries",
        ["evidence_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_review_entries_court_id_id"), "review_entries", ["court_id", "id"], unique=False
    )
    op.create_table(
        "review_markers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("from_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("to_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("region", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_review_markers_evidence_id_evidence")
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_review_markers_author_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_review_markers_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_markers")),
    )
    op.create_index(
        op.f("ix_review_markers_evidence_id_id"),
        "review_markers",
        ["evidence_id", "id"],
        unique=False,
    )
    op.create_table(
        "review_seen",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_review_seen_user_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_review_seen_evidence_id_evidence")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_review_seen_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("user_id", "evidence_id", name=op.f("pk_review_seen")),
    )
    op.create_table(
        "review_goals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("per_week", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["users.id"], name=op.f("fk_review_goals_changed_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_review_goals_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_goals")),
    )
    op.create_table(
        "review_draws",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("goal", sa.Integer(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column(
            "log_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_review_draws_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_draws")),
        sa.UniqueConstraint("court_id", "week", name=op.f("uq_review_draws_court_id_week")),
    )
    op.create_table(
        "review_samples",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("first_by", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("second_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["draw_id"], ["review_draws.id"], name=op.f("fk_review_samples_draw_id_review_draws")
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_review_samples_evidence_id_evidence")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["review_entries.id"],
            name=op.f("fk_review_samples_entry_id_review_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["first_by"], ["users.id"], name=op.f("fk_review_samples_first_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["second_by"], ["users.id"], name=op.f("fk_review_samples_second_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_review_samples_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_samples")),
    )
    op.create_index(op.f("ix_review_samples_draw_id"), "review_samples", ["draw_id"], unique=False)
    op.create_index(
        op.f("ix_review_samples_evidence_id"), "review_samples", ["evidence_id"], unique=False
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_ids", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("files_total", sa.Integer(), nullable=False),
        sa.Column("files_done", sa.Integer(), nullable=False),
        sa.Column(
            "bytes_total", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "bytes_done", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("upto", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("event_hid", sa.Text(), nullable=True),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "event_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "checkpoint_size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column(
            "size_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_exports_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_exports_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_index(
        op.f("ix_exports_court_id_case_id_id"),
        "exports",
        ["court_id", "case_id", "id"],
        unique=False,
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("mission_id", sa.Uuid(), nullable=True),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column(
            "size_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("filename", sa.LargeBinary(), nullable=True),
        sa.Column("filetype", sa.Text(), nullable=True),
        sa.Column("metadata_text", sa.Text(), nullable=False),
        sa.Column("concat", sa.Text(), nullable=True),
        sa.Column("parts", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("claimed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_uploads_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_uploads_device_id_devices")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["upload_grants.id"], name=op.f("fk_uploads_grant_id_upload_grants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint(
            "principal", "idempotency_key", name=op.f("uq_uploads_principal_idempotency_key")
        ),
    )
    op.create_index(
        op.f("ix_uploads_court_id_state"), "uploads", ["court_id", "state"], unique=False
    )
    op.create_index(
        op.f("ix_uploads_device_id_sha256"), "uploads", ["device_id", "sha256"], unique=False
    )
    op.create_index(op.f("ix_uploads_expires_at"), "uploads", ["expires_at"], unique=False)
    op.create_index(
        "ix_uploads_unclaimed",
        "uploads",
        ["court_id", "id"],
        sqlite_where=sa.text("state = 'complete' AND claimed = 0"),
        postgresql_where=sa.text("state = 'complete' AND NOT claimed"),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_erasures_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["users.id"], name=op.f("fk_erasures_decided_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_erasures_evidence_id_evidence")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["users.id"], name=op.f("fk_erasures_requested_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(
        op.f("ix_erasures_court_id_state_id"), "erasures", ["court_id", "state", "id"], unique=False
    )
    op.create_index(op.f("ix_erasures_evidence_id"), "erasures", ["evidence_id"], unique=False)
    op.create_table(
        "redactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipe", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("recipe_sha256", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column(
            "size_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("mime", sa.Text(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column(
            "duration_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("complete", sa.Boolean(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("discarded_by", sa.Uuid(), nullable=True),
        sa.Column("discarded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("discard_reason", sa.Text(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_redactions_evidence_id_evidence")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["users.id"], name=op.f("fk_redactions_asked_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["discarded_by"], ["users.id"], name=op.f("fk_redactions_discarded_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_redactions_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redactions")),
        sa.UniqueConstraint("evidence_id", "number", name=op.f("uq_redactions_evidence_id_number")),
    )
    op.create_index(
        op.f("ix_redactions_court_id_state_id"),
        "redactions",
        ["court_id", "state", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_redactions_sha256"), "redactions", ["sha256"], unique=False)
    op.create_table(
        "erased_digests",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unlinked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_erased_digests")),
    )
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_saved_views_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_saved_views_owner_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
    )
    op.create_index(
        op.f("ix_saved_views_court_id_page_id"),
        "saved_views",
        ["court_id", "page", "id"],
        unique=False,
    )
    op.create_table(
        "picture_marks",
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("phash", sa.Text(), nullable=False),
        sa.Column("band0", sa.Integer(), nullable=False),
        sa.Column("band1", sa.Integer(), nullable=False),
        sa.Column("band2", sa.Integer(), nullable=False),
        sa.Column("band3", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_picture_marks_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("court_id", "sha256", name=op.f("pk_picture_marks")),
    )
    for band in range(4):
        op.create_index(
            op.f(f"ix_picture_marks_court_id_band{band}"),
            "picture_marks",
            ["court_id", f"band{band}"],
            unique=False,
        )
    op.create_table(
        "reuse_alarms",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("distance", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_reuse_alarms_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("evidence_id", "other_id", name=op.f("pk_reuse_alarms")),
    )
    op.create_index(
        op.f("ix_reuse_alarms_court_id_evidence_id"),
        "reuse_alarms",
        ["court_id", "evidence_id"],
        unique=False,
    )
    op.create_index(op.f("ix_reuse_alarms_other_id"), "reuse_alarms", ["other_id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mission_id", sa.Uuid(), nullable=True),
        sa.Column("invitee", sa.Text(), nullable=False),
        sa.Column("invitee_title", sa.Text(), nullable=True),
        sa.Column("invitee_kind", sa.Text(), nullable=False),
        sa.Column("window_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replay_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reply_days", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("failed_count", sa.Integer(), nullable=False),
        sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoke_reason", sa.Text(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_invitations_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_invitations_created_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["mission_id"], ["missions.id"], name=op.f("fk_invitations_mission_id_missions")
        ),
        sa.ForeignKeyConstraint(
            ["revoked_by"], ["users.id"], name=op.f("fk_invitations_revoked_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
    )
    op.create_index(
        op.f("ix_invitations_court_id_id"), "invitations", ["court_id", "id"], unique=False
    )
    op.create_index(op.f("ix_invitations_mission_id"), "invitations", ["mission_id"], unique=False)
    op.create_table(
        "guest_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("cookie_hash", sa.Text(), nullable=False),
        sa.Column("consent_version", sa.Text(), nullable=False),
        sa.Column("consent_lang", sa.Text(), nullable=False),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("agent_digest", sa.Text(), nullable=False),
        sa.Column("note", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_guest_sessions_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["invitations.id"],
            name=op.f("fk_guest_sessions_invitation_id_invitations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_sessions")),
        sa.UniqueConstraint("cookie_hash", name=op.f("uq_guest_sessions_cookie_hash")),
        sa.UniqueConstraint("invitation_id", name=op.f("uq_guest_sessions_invitation_id")),
    )
    op.create_table(
        "guest_visits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("guest_session_id", sa.Uuid(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "last_position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_guest_visits_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["guest_session_id"],
            ["guest_sessions.id"],
            name=op.f("fk_guest_visits_guest_session_id_guest_sessions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_visits")),
    )
    op.create_index(
        op.f("ix_guest_visits_guest_session_id_arrived_at"),
        "guest_visits",
        ["guest_session_id", "arrived_at"],
        unique=False,
    )
    op.create_table(
        "opinions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("guest_session_id", sa.Uuid(), nullable=False),
        sa.Column("mission_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("voice_sha256", sa.Text(), nullable=True),
        sa.Column("voice_mime", sa.Text(), nullable=True),
        sa.Column("voice_bytes", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_by", sa.Uuid(), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("replied_by", sa.Uuid(), nullable=True),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_opinions_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["guest_session_id"],
            ["guest_sessions.id"],
            name=op.f("fk_opinions_guest_session_id_guest_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["handled_by"], ["users.id"], name=op.f("fk_opinions_handled_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["invitations.id"],
            name=op.f("fk_opinions_invitation_id_invitations"),
        ),
        sa.ForeignKeyConstraint(
            ["mission_id"], ["missions.id"], name=op.f("fk_opinions_mission_id_missions")
        ),
        sa.ForeignKeyConstraint(
            ["replied_by"], ["users.id"], name=op.f("fk_opinions_replied_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinions")),
    )
    op.create_index(
        op.f("ix_opinions_court_id_state_due_at"),
        "opinions",
        ["court_id", "state", "due_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_opinions_guest_session_id_id"),
        "opinions",
        ["guest_session_id", "id"],
        unique=False,
    )
    op.create_table(
        "notice_preferences",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("muted", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_notice_preferences_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notice_preferences_user_id_users")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notice_preferences")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_notices_court_id_courts")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notices_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_read_at"), "notices", ["read_at"], unique=False)
    op.create_index(op.f("ix_notices_user_id_id"), "notices", ["user_id", "id"], unique=False)
    op.create_index(
        op.f("ix_notices_user_id_read_at_topic"),
        "notices",
        ["user_id", "read_at", "topic"],
        unique=False,
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kinds", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("secret_before", sa.Text(), nullable=True),
        sa.Column("secret_before_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_webhooks_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_webhooks_created_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_index(op.f("ix_webhooks_court_id_id"), "webhooks", ["court_id", "id"], unique=False)
    op.create_table(
        "shares",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=True),
        sa.Column("code_failures", sa.Integer(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("openings_max", sa.Integer(), nullable=True),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_shares_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_shares_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_shares_created_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["revoked_by"], ["users.id"], name=op.f("fk_shares_revoked_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_shares_token_hash")),
    )
    op.create_index(op.f("ix_shares_case_id"), "shares", ["case_id"], unique=False)
    op.create_index(op.f("ix_shares_court_id_id"), "shares", ["court_id", "id"], unique=False)
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("log_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_webhook_deliveries_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_deliveries_webhook_id_webhooks")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint(
            "webhook_id", "log_index", name=op.f("uq_webhook_deliveries_webhook_id_log_index")
        ),
    )
    op.create_index(
        op.f("ix_webhook_deliveries_state_next_at"),
        "webhook_deliveries",
        ["state", "next_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_webhook_deliveries_webhook_id_id"),
        "webhook_deliveries",
        ["webhook_id", "id"],
        unique=False,
    )
    op.create_table(
        "share_items",
        sa.Column("share_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("redaction_id", sa.Uuid(), nullable=True),
        sa.Column("original_named", sa.Boolean(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_share_items_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_share_items_evidence_id_evidence")
        ),
        sa.ForeignKeyConstraint(
            ["share_id"], ["shares.id"], name=op.f("fk_share_items_share_id_shares")
        ),
        sa.PrimaryKeyConstraint("share_id", "evidence_id", name=op.f("pk_share_items")),
    )
    op.create_index(
        op.f("ix_share_items_evidence_id"), "share_items", ["evidence_id"], unique=False
    )
    op.create_table(
        "share_openings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("share_id", sa.Uuid(), nullable=False),
        sa.Column("cookie_hash", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_share_openings_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["share_id"], ["shares.id"], name=op.f("fk_share_openings_share_id_shares")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_openings")),
        sa.UniqueConstraint("cookie_hash", name=op.f("uq_share_openings_cookie_hash")),
    )
    op.create_index(
        op.f("ix_share_openings_share_id_id"), "share_openings", ["share_id", "id"], unique=False
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_webhook_attempts_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["webhook_deliveries.id"],
            name=op.f("fk_webhook_attempts_delivery_id_webhook_deliveries"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_attempts")),
    )
    op.create_index(
        op.f("ix_webhook_attempts_delivery_id_id"),
        "webhook_attempts",
        ["delivery_id", "id"],
        unique=False,
    )
    op.create_table(
        "share_readings",
        sa.Column("opening_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_share_readings_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["opening_id"],
            ["share_openings.id"],
            name=op.f("fk_share_readings_opening_id_share_openings"),
        ),
        sa.PrimaryKeyConstraint(
            "opening_id", "evidence_id", "kind", name=op.f("pk_share_readings")
        ),
    )
    op.create_table(
        "release_rules",
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("delay_seconds", sa.Integer(), nullable=False),
        sa.Column("round_seconds", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("cell_m", sa.Integer(), nullable=False),
        sa.Column("mask_staff", sa.Boolean(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_release_rules_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("court_id", "version", name=op.f("pk_release_rules")),
    )
    op.create_table(
        "live_missions",
        sa.Column("mission_id", sa.Uuid(), nullable=False),
        sa.Column(
            "last_position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "last_turn", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_live_missions_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["mission_id"], ["missions.id"], name=op.f("fk_live_missions_mission_id_missions")
        ),
        sa.PrimaryKeyConstraint("mission_id", name=op.f("pk_live_missions")),
    )
    op.create_index(
        op.f("ix_live_missions_court_id_began_at"),
        "live_missions",
        ["court_id", "began_at"],
        unique=False,
    )
    op.create_table(
        "live_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mission_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("categories", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("turn", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shown_at", sa.Text(), nullable=True),
        sa.Column("shown_place", sa.Text(), nullable=True),
        sa.Column("shown_stage", sa.Text(), nullable=True),
        sa.Column("shown_text", sa.Text(), nullable=True),
        sa.Column("photos", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_live_entries_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["mission_id"],
            ["live_missions.mission_id"],
            name=op.f("fk_live_entries_mission_id_live_missions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live_entries")),
        sa.UniqueConstraint(
            "mission_id",
            "source",
            "source_id",
            name=op.f("uq_live_entries_mission_id_source_source_id"),
        ),
    )
    op.create_index(op.f("ix_live_entries_due_at"), "live_entries", ["due_at"], unique=False)
    op.create_index(
        op.f("ix_live_entries_mission_id_position"),
        "live_entries",
        ["mission_id", "position"],
        unique=False,
    )
    op.create_index(op.f("ix_live_entries_source_id"), "live_entries", ["source_id"], unique=False)
    op.create_index(
        op.f("ix_live_entries_mission_id_turn"),
        "live_entries",
        ["mission_id", "turn"],
        unique=False,
    )
    op.create_table(
        "retention_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_retention_rules_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["users.id"], name=op.f("fk_retention_rules_made_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_rules")),
        sa.UniqueConstraint(
            "court_id", "category", "version",
            name=op.f("uq_retention_rules_court_id_category_version"),
        ),
    )  # fmt: skip
    op.create_table(
        "retention_classes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_retention_classes_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_retention_classes_evidence_id_evidence")
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["users.id"], name=op.f("fk_retention_classes_made_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_classes")),
    )
    op.create_index(
        op.f("ix_retention_classes_evidence_id_id"),
        "retention_classes",
        ["evidence_id", "id"],
        unique=False,
    )
    op.create_table(
        "line_erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("log_entry_id", sa.Uuid(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_line_erasures_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["users.id"], name=op.f("fk_line_erasures_decided_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["log_entry_id"],
            ["log_entries.id"],
            name=op.f("fk_line_erasures_log_entry_id_log_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["users.id"], name=op.f("fk_line_erasures_requested_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_erasures")),
    )
    op.create_index(
        op.f("ix_line_erasures_court_id_state_id"),
        "line_erasures",
        ["court_id", "state", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_line_erasures_log_entry_id"), "line_erasures", ["log_entry_id"], unique=False
    )
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("cause_case_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Uuid(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_legal_holds_case_id_cases")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_legal_holds_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_legal_holds_evidence_id_evidence")
        ),
        sa.ForeignKeyConstraint(
            ["lifted_by"], ["users.id"], name=op.f("fk_legal_holds_lifted_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["placed_by"], ["users.id"], name=op.f("fk_legal_holds_placed_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
    )
    op.create_index(op.f("ix_legal_holds_case_id"), "legal_holds", ["case_id"], unique=False)
    op.create_index(
        op.f("ix_legal_holds_court_id_lifted_at_id"),
        "legal_holds",
        ["court_id", "lifted_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_legal_holds_evidence_id"), "legal_holds", ["evidence_id"], unique=False
    )
    op.create_table(
        "actions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("mission_id", sa.Uuid(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_actions_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_actions_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actions")),
    )
    op.create_index(
        op.f("ix_actions_court_id_begins_at_id"),
        "actions",
        ["court_id", "begins_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_actions_court_id_case_id_id"),
        "actions",
        ["court_id", "case_id", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_actions_mission_id"), "actions", ["mission_id"], unique=False)
    op.create_table(
        "register_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("action_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amends_id", sa.Uuid(), nullable=True),
        sa.Column("written_by", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("record_hid", sa.Text(), nullable=True),
        sa.Column("wall", sa.Text(), nullable=True),
        sa.Column("mono_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("boot", sa.Text(), nullable=True),
        sa.Column("through_suspend", sa.Boolean(), nullable=False),
        sa.Column("gnss_at", sa.Text(), nullable=True),
        sa.Column("error_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("clock_class", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"], ["actions.id"], name=op.f("fk_register_entries_action_id_actions")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_register_entries_case_id_cases")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_register_entries_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_register_entries_device_id_devices")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_entries")),
        sa.UniqueConstraint("record_hid", name=op.f("uq_register_entries_record_hid")),
    )
    op.create_index(
        op.f("ix_register_entries_action_id"), "register_entries", ["action_id"], unique=False
    )
    op.create_index(
        op.f("ix_register_entries_court_id_case_id_happened_at_id"),
        "register_entries",
        ["court_id", "case_id", "happened_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_register_entries_court_id_kind_on_day"),
        "register_entries",
        ["court_id", "kind", "on_day"],
        unique=False,
    )
    op.create_index(
        op.f("ix_register_entries_device_id_boot"),
        "register_entries",
        ["device_id", "boot"],
        unique=False,
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("begins_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_campaigns_court_id_courts")
        ),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_campaigns_made_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )
    op.create_index(
        op.f("ix_campaigns_court_id_state_id"),
        "campaigns",
        ["court_id", "state", "id"],
        unique=False,
    )
    op.create_table(
        "oversight_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("idle_days", sa.Integer(), nullable=False),
        sa.Column("explain_days", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_oversight_rules_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["users.id"], name=op.f("fk_oversight_rules_made_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oversight_rules")),
        sa.UniqueConstraint(
            "court_id", "version", name=op.f("uq_oversight_rules_court_id_version")
        ),
    )
    op.create_table(
        "weekly_meetings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("meets_on", sa.Date(), nullable=False),
        sa.Column("chair_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("agenda", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("attendees", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("minutes", sa.Text(), nullable=True),
        sa.Column("called_by", sa.Uuid(), nullable=True),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("minuted_by", sa.Uuid(), nullable=True),
        sa.Column("minuted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["called_by"], ["users.id"], name=op.f("fk_weekly_meetings_called_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["chair_id"], ["users.id"], name=op.f("fk_weekly_meetings_chair_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_weekly_meetings_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["minuted_by"], ["users.id"], name=op.f("fk_weekly_meetings_minuted_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weekly_meetings")),
        sa.UniqueConstraint("court_id", "week", name=op.f("uq_weekly_meetings_court_id_week")),
    )
    op.create_table(
        "weekly_plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("steps", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("written_by", sa.Uuid(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_weekly_plans_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["users.id"], name=op.f("fk_weekly_plans_officer_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["written_by"], ["users.id"], name=op.f("fk_weekly_plans_written_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weekly_plans")),
        sa.UniqueConstraint(
            "court_id",
            "week",
            "officer_id",
            "version",
            name=op.f("uq_weekly_plans_court_id_week_officer_id_version"),
        ),
    )
    op.create_table(
        "campaign_cases",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["added_by"], ["users.id"], name=op.f("fk_campaign_cases_added_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_cases_campaign_id_campaigns")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_campaign_cases_case_id_cases")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_campaign_cases_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "case_id", name=op.f("pk_campaign_cases")),
    )
    op.create_index(op.f("ix_campaign_cases_case_id"), "campaign_cases", ["case_id"], unique=False)
    op.create_table(
        "inspection_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Uuid(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_inspection_notices_case_id_cases")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_inspection_notices_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["written_by"], ["users.id"], name=op.f("fk_inspection_notices_written_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection_notices")),
    )
    op.create_index(
        op.f("ix_inspection_notices_court_id_week_id"),
        "inspection_notices",
        ["court_id", "week", "id"],
        unique=False,
    )
    op.create_table(
        "oversight_tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Uuid(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_oversight_tasks_case_id_cases")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_oversight_tasks_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["done_by"], ["users.id"], name=op.f("fk_oversight_tasks_done_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["given_by"], ["users.id"], name=op.f("fk_oversight_tasks_given_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["meeting_id"],
            ["weekly_meetings.id"],
            name=op.f("fk_oversight_tasks_meeting_id_weekly_meetings"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_oversight_tasks_owner_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oversight_tasks")),
    )
    op.create_index(
        op.f("ix_oversight_tasks_case_id"), "oversight_tasks", ["case_id"], unique=False
    )
    op.create_index(
        op.f("ix_oversight_tasks_court_id_state_due_on_id"),
        "oversight_tasks",
        ["court_id", "state", "due_on", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_oversight_tasks_meeting_id"), "oversight_tasks", ["meeting_id"], unique=False
    )
    op.create_index(
        op.f("ix_oversight_tasks_owner_id_state"),
        "oversight_tasks",
        ["owner_id", "state"],
        unique=False,
    )
    op.create_table(
        "campaign_actions",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"], ["actions.id"], name=op.f("fk_campaign_actions_action_id_actions")
        ),
        sa.ForeignKeyConstraint(
            ["added_by"], ["users.id"], name=op.f("fk_campaign_actions_added_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_campaign_actions_campaign_id_campaigns"),
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_campaign_actions_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "action_id", name=op.f("pk_campaign_actions")),
    )
    op.create_index(
        op.f("ix_campaign_actions_action_id"), "campaign_actions", ["action_id"], unique=False
    )
    op.create_table(
        "oversight_alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("since_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("explain_by", sa.Date(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=True),
        sa.Column("explained_by", sa.Uuid(), nullable=True),
        sa.Column("explained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalated_by", sa.Uuid(), nullable=True),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalation", sa.Text(), nullable=True),
        sa.Column("cleared_by", sa.Uuid(), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clearance", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_oversight_alerts_case_id_cases")
        ),
        sa.ForeignKeyConstraint(
            ["cleared_by"], ["users.id"], name=op.f("fk_oversight_alerts_cleared_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_oversight_alerts_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["escalated_by"], ["users.id"], name=op.f("fk_oversight_alerts_escalated_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["explained_by"], ["users.id"], name=op.f("fk_oversight_alerts_explained_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_oversight_alerts_owner_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["task_id"],
            ["oversight_tasks.id"],
            name=op.f("fk_oversight_alerts_task_id_oversight_tasks"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oversight_alerts")),
        sa.UniqueConstraint("court_id", "key", name=op.f("uq_oversight_alerts_court_id_key")),
    )
    op.create_index(
        op.f("ix_oversight_alerts_case_id_state"),
        "oversight_alerts",
        ["case_id", "state"],
        unique=False,
    )
    op.create_index(
        op.f("ix_oversight_alerts_court_id_state_kind_id"),
        "oversight_alerts",
        ["court_id", "state", "kind", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_oversight_alerts_owner_id_state"),
        "oversight_alerts",
        ["owner_id", "state"],
        unique=False,
    )
    op.create_table(
        "court_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_court_rules_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["users.id"], name=op.f("fk_court_rules_made_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_court_rules")),
        sa.UniqueConstraint("court_id", "version", name=op.f("uq_court_rules_court_id_version")),
    )
    op.create_table(
        "conduct_checks",
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reasons", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"], ["actions.id"], name=op.f("fk_conduct_checks_action_id_actions")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_conduct_checks_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("action_id", "rule", name=op.f("pk_conduct_checks")),
    )
    op.create_index(op.f("ix_conduct_checks_case_id"), "conduct_checks", ["case_id"], unique=False)
    op.create_index(
        op.f("ix_conduct_checks_court_id_outcome_rule"),
        "conduct_checks",
        ["court_id", "outcome", "rule"],
        unique=False,
    )
    op.create_table(
        "conduct_due",
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("run_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_conduct_due_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("action_id", name=op.f("pk_conduct_due")),
    )
    op.create_index(op.f("ix_conduct_due_run_after"), "conduct_due", ["run_after"], unique=False)
    op.create_table(
        "findings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reasons", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("explained_by", sa.Uuid(), nullable=True),
        sa.Column("explained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("explanation", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"], ["actions.id"], name=op.f("fk_findings_action_id_actions")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_findings_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_findings_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["users.id"], name=op.f("fk_findings_decided_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["explained_by"], ["users.id"], name=op.f("fk_findings_explained_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
        sa.UniqueConstraint(
            "action_id", "rule", "number", name=op.f("uq_findings_action_id_rule_number")
        ),
    )
    op.create_index(op.f("ix_findings_case_id"), "findings", ["case_id"], unique=False)
    op.create_index(
        op.f("ix_findings_court_id_state_id"), "findings", ["court_id", "state", "id"], unique=False
    )
    op.create_table(
        "case_states",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("closing", sa.Text(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column(
            "claimed_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "controlled_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "received_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "disbursed_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("deadline_on", sa.Date(), nullable=True),
        sa.Column("deadline_standing", sa.Text(), nullable=True),
        sa.Column("extended_to", sa.Date(), nullable=True),
        sa.Column("next_due_on", sa.Date(), nullable=True),
        sa.Column("next_renewal_on", sa.Date(), nullable=True),
        sa.Column("overdue", sa.Integer(), nullable=False),
        sa.Column("due_soon", sa.Integer(), nullable=False),
        sa.Column("last_activity_on", sa.Date(), nullable=True),
        sa.Column("settlement", sa.Text(), nullable=True),
        sa.Column("broken_promises", sa.Integer(), nullable=False),
        sa.Column("open_petitions", sa.Integer(), nullable=False),
        sa.Column("alarms", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("key_state", sa.Text(), nullable=False),
        sa.Column("key_categories", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("key_suggested", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("responsibility", sa.Text(), nullable=False),
        sa.Column("key_deadline_on", sa.Date(), nullable=True),
        sa.Column("computed_on", sa.Date(), nullable=True),
        sa.Column("refresh_on", sa.Date(), nullable=True),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_case_states_case_id_cases")
        ),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_case_states_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_states")),
    )
    op.create_index(
        op.f("ix_case_states_court_id_overdue"),
        "case_states",
        ["court_id", "overdue"],
        unique=False,
    )
    op.create_index(
        op.f("ix_case_states_court_id_status_deadline_on"),
        "case_states",
        ["court_id", "status", "deadline_on"],
        unique=False,
    )
    op.create_index(op.f("ix_case_states_refresh_on"), "case_states", ["refresh_on"], unique=False)
    op.create_table(
        "conduct_tallies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("counts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_conduct_tallies_court_id_courts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conduct_tallies")),
        sa.UniqueConstraint("court_id", name=op.f("uq_conduct_tallies_court_id")),
    )
    protect(op.get_bind(), COURT_SCOPED)
    protect(op.get_bind(), ("courts",), column="id")


def downgrade() -> None:
    """Undo."""
    op.drop_table("conduct_tallies")
    op.drop_index(op.f("ix_case_states_refresh_on"), table_name="case_states")
    op.drop_index(op.f("ix_case_states_court_id_status_deadline_on"), table_name="case_states")
    op.drop_index(op.f("ix_case_states_court_id_overdue"), table_name="case_states")
    op.drop_table("case_states")
    op.drop_index(op.f("ix_findings_court_id_state_id"), table_name="findings")
    op.drop_index(op.f("ix_findings_case_id"), table_name="findings")
    op.drop_table("findings")
    op.drop_index(op.f("ix_conduct_due_run_after"), table_name="conduct_due")
    op.drop_table("conduct_due")
    op.drop_index(op.f("ix_conduct_checks_court_id_outcome_rule"), table_name="conduct_checks")
    op.drop_index(op.f("ix_conduct_checks_case_id"), table_name="conduct_checks")
    op.drop_table("conduct_checks")
    op.drop_table("court_rules")
    op.drop_index(op.f("ix_oversight_alerts_owner_id_state"), table_name="oversight_alerts")
    op.drop_index(op.f("ix_oversight_alerts_court_id_state_kind_id"), table_name="oversight_alerts")
    op.drop_index(op.f("ix_oversight_alerts_case_id_state"), table_name="oversight_alerts")
    op.drop_table("oversight_alerts")
    op.drop_index(op.f("ix_campaign_actions_action_id"), table_name="campaign_actions")
    op.drop_table("campaign_actions")
    op.drop_index(op.f("ix_oversight_tasks_owner_id_state"), table_name="oversight_tasks")
    op.drop_index(op.f("ix_oversight_tasks_meeting_id"), table_name="oversight_tasks")
    op.drop_index(op.f("ix_oversight_tasks_court_id_state_due_on_id"), table_name="oversight_tasks")
    op.drop_index(op.f("ix_oversight_tasks_case_id"), table_name="oversight_tasks")
    op.drop_table("oversight_tasks")
    op.drop_index(op.f("ix_inspection_notices_court_id_week_id"), table_name="inspection_notices")
    op.drop_table("inspection_notices")
    op.drop_index(op.f("ix_campaign_cases_case_id"), table_name="campaign_cases")
    op.drop_table("campaign_cases")
    op.drop_table("weekly_plans")
    op.drop_table("weekly_meetings")
    op.drop_table("oversight_rules")
    op.drop_index(op.f("ix_campaigns_court_id_state_id"), table_name="campaigns")
    op.drop_table("campaigns")
    op.drop_index(op.f("ix_line_erasures_log_entry_id"), table_name="line_erasures")
    op.drop_index(op.f("ix_line_erasures_court_id_state_id"), table_name="line_erasures")
    op.drop_table("line_erasures")
    op.drop_index(op.f("ix_legal_holds_evidence_id"), table_name="legal_holds")
    op.drop_index(op.f("ix_legal_holds_court_id_lifted_at_id"), table_name="legal_holds")
    op.drop_index(op.f("ix_legal_holds_case_id"), table_name="legal_holds")
    op.drop_table("legal_holds")
    op.drop_index(op.f("ix_retention_classes_evidence_id_id"), table_name="retention_classes")
    op.drop_table("retention_classes")
    op.drop_table("retention_rules")
    op.drop_index(op.f("ix_live_entries_due_at"), table_name="live_entries")
    op.drop_index(op.f("ix_live_entries_mission_id_position"), table_name="live_entries")
    op.drop_index(op.f("ix_live_entries_mission_id_turn"), table_name="live_entries")
    op.drop_index(op.f("ix_live_entries_source_id"), table_name="live_entries")
    op.drop_table("live_entries")
    op.drop_index(op.f("ix_live_missions_court_id_began_at"), table_name="live_missions")
    op.drop_table("live_missions")
    op.drop_table("release_rules")
    op.drop_table("share_readings")
    op.drop_index(op.f("ix_webhook_attempts_delivery_id_id"), table_name="webhook_attempts")
    op.drop_table("webhook_attempts")
    op.drop_index(op.f("ix_share_openings_share_id_id"), table_name="share_openings")
    op.drop_table("share_openings")
    op.drop_index(op.f("ix_share_items_evidence_id"), table_name="share_items")
    op.drop_table("share_items")
    op.drop_index(op.f("ix_webhook_deliveries_webhook_id_id"), table_name="webhook_deliveries")
    op.drop_index(op.f("ix_webhook_deliveries_state_next_at"), table_name="webhook_deliveries")
    op.drop_table("webhook_deliveries")
    op.drop_index(op.f("ix_shares_court_id_id"), table_name="shares")
    op.drop_index(op.f("ix_shares_case_id"), table_name="shares")
    op.drop_table("shares")
    op.drop_index(op.f("ix_webhooks_court_id_id"), table_name="webhooks")
    op.drop_table("webhooks")
    op.drop_index(op.f("ix_notices_user_id_read_at_topic"), table_name="notices")
    op.drop_index(op.f("ix_notices_user_id_id"), table_name="notices")
    op.drop_index(op.f("ix_notices_read_at"), table_name="notices")
    op.drop_table("notices")
    op.drop_table("notice_preferences")
    op.drop_table("reuse_alarms")
    op.drop_table("picture_marks")
    op.drop_table("saved_views")
    op.drop_index(op.f("ix_redactions_sha256"), table_name="redactions")
    op.drop_index(op.f("ix_redactions_court_id_state_id"), table_name="redactions")
    op.drop_table("redactions")
    op.drop_table("erased_digests")
    op.drop_index(op.f("ix_erasures_evidence_id"), table_name="erasures")
    op.drop_index(op.f("ix_erasures_court_id_state_id"), table_name="erasures")
    op.drop_table("erasures")
    op.drop_index(op.f("ix_register_entries_device_id_boot"), table_name="register_entries")
    op.drop_index(op.f("ix_register_entries_court_id_kind_on_day"), table_name="register_entries")
    op.drop_index(
        op.f("ix_register_entries_court_id_case_id_happened_at_id"), table_name="register_entries"
    )
    op.drop_index(op.f("ix_register_entries_action_id"), table_name="register_entries")
    op.drop_table("register_entries")
    op.drop_index(op.f("ix_actions_mission_id"), table_name="actions")
    op.drop_index(op.f("ix_actions_court_id_case_id_id"), table_name="actions")
    op.drop_index(op.f("ix_actions_court_id_begins_at_id"), table_name="actions")
    op.drop_table("actions")
    op.drop_index(op.f("ix_opinions_guest_session_id_id"), table_name="opinions")
    op.drop_index(op.f("ix_opinions_court_id_state_due_at"), table_name="opinions")
    op.drop_table("opinions")
    op.drop_index(op.f("ix_guest_visits_guest_session_id_arrived_at"), table_name="guest_visits")
    op.drop_table("guest_visits")
    op.drop_table("guest_sessions")
    op.drop_index(op.f("ix_invitations_mission_id"), table_name="invitations")
    op.drop_index(op.f("ix_invitations_court_id_id"), table_name="invitations")
    op.drop_table("invitations")
    op.drop_index(op.f("ix_exports_court_id_case_id_id"), table_name="exports")
    op.drop_table("exports")
    op.drop_index("ix_uploads_unclaimed", table_name="uploads")
    op.drop_index(op.f("ix_uploads_expires_at"), table_name="uploads")
    op.drop_index(op.f("ix_uploads_device_id_sha256"), table_name="uploads")
    op.drop_index(op.f("ix_uploads_court_id_state"), table_name="uploads")
    op.drop_table("uploads")
    op.drop_index(op.f("ix_review_samples_evidence_id"), table_name="review_samples")
    op.drop_index(op.f("ix_review_samples_draw_id"), table_name="review_samples")
    op.drop_table("review_samples")
    op.drop_table("review_draws")
    op.drop_table("review_goals")
    op.drop_table("review_seen")
    op.drop_index(op.f("ix_review_markers_evidence_id_id"), table_name="review_markers")
    op.drop_table("review_markers")
    op.drop_index(op.f("ix_review_entries_court_id_id"), table_name="review_entries")
    op.drop_index(op.f("ix_review_entries_evidence_id_id"), table_name="review_entries")
    op.drop_table("review_entries")
    op.drop_table("upload_grants")
    op.drop_index(op.f("ix_sign_ins_user_id"), table_name="sign_ins")
    op.drop_table("sign_ins")
    op.drop_table("record_conflicts")
    op.drop_index(op.f("ix_receipts_device_id_id"), table_name="receipts")
    op.drop_index(op.f("ix_receipts_waits_for"), table_name="receipts")
    op.drop_table("receipts")
    op.drop_index(op.f("ix_parties_case_id"), table_name="parties")
    op.drop_table("parties")
    op.drop_index(op.f("ix_mission_devices_device_id"), table_name="mission_devices")
    op.drop_table("mission_devices")
    op.drop_index(op.f("ix_mission_cases_case_id"), table_name="mission_cases")
    op.drop_table("mission_cases")
    op.drop_index(op.f("ix_log_entries_mission_id"), table_name="log_entries")
    op.drop_index(op.f("ix_log_entries_device_id_boot"), table_name="log_entries")
    op.drop_index(op.f("ix_log_entries_court_id_case_id_happened_at_id"), table_name="log_entries")
    op.drop_table("log_entries")
    op.drop_index(op.f("ix_held_records_held_since"), table_name="held_records")
    op.drop_table("held_records")
    for name, _, _ in reversed(_SOME_EVIDENCE):
        op.drop_index(name, table_name="evidence")
    op.drop_index(op.f("ix_evidence_court_id_code"), table_name="evidence")
    op.drop_index(
        op.f("ix_evidence_captured_by_review_state_captured_at_id"), table_name="evidence"
    )
    op.drop_index(op.f("ix_evidence_officer_id_review_state_captured_at_id"), table_name="evidence")
    op.drop_index(op.f("ix_evidence_court_id_review_state_captured_at_id"), table_name="evidence")
    op.drop_index(op.f("ix_evidence_sha256"), table_name="evidence")
    op.drop_index(op.f("ix_evidence_mission_id"), table_name="evidence")
    op.drop_index(op.f("ix_evidence_device_id_sha256"), table_name="evidence")
    op.drop_index(op.f("ix_evidence_court_id_state_due_at"), table_name="evidence")
    op.drop_index(op.f("ix_evidence_court_id_case_id_captured_at_id_media"), table_name="evidence")
    op.drop_index(op.f("ix_evidence_court_id_case_id_id"), table_name="evidence")
    op.drop_table("evidence")
    op.drop_table("enrolment_codes")
    op.drop_index(op.f("ix_duty_bookings_user_id_starts_at"), table_name="duty_bookings")
    op.drop_index(op.f("ix_duty_bookings_device_id_starts_at"), table_name="duty_bookings")
    op.drop_table("duty_bookings")
    op.drop_table("device_records")
    op.drop_index(op.f("ix_head_attestations_device_id_ep_seq"), table_name="head_attestations")
    op.drop_table("head_attestations")
    op.drop_index(op.f("ix_device_keys_kid"), table_name="device_keys")
    op.drop_table("device_keys")
    op.drop_table("device_chains")
    op.drop_index(
        op.f("ix_clock_observations_device_id_device_wall_ms"), table_name="clock_observations"
    )
    op.drop_index(
        op.f("ix_clock_observations_device_id_boot_mono_ms"), table_name="clock_observations"
    )
    op.drop_table("clock_observations")
    op.drop_index(op.f("ix_case_assignments_user_id"), table_name="case_assignments")
    op.drop_table("case_assignments")
    op.drop_index(op.f("ix_mission_officers_user_id"), table_name="mission_officers")
    op.drop_table("mission_officers")
    op.drop_index(op.f("ix_devices_court_id_kind"), table_name="devices")
    op.drop_table("devices")
    op.drop_index(op.f("ix_cases_court_id_id"), table_name="cases")
    op.drop_index(op.f("ix_cases_court_id_handler_id"), table_name="cases")
    op.drop_table("cases")
    op.drop_index(op.f("ix_users_court_id_name"), table_name="users")
    op.drop_table("users")
    op.drop_table("outbox")
    op.drop_table("outbox_refused")
    op.drop_table("signer_state")
    op.drop_table("attestors")
    op.drop_table("timestamps")
    op.drop_table("cosignatures")
    op.drop_index(op.f("ix_checkpoints_timestamped_at"), table_name="checkpoints")
    op.drop_index(op.f("ix_checkpoints_witnessed_at"), table_name="checkpoints")
    op.drop_table("checkpoints")
    op.drop_index(op.f("ix_tile_mirrors_sha256"), table_name="tile_mirrors")
    op.drop_table("tile_mirrors")
    op.drop_table("log_tiles")
    op.drop_table("case_chains")
    op.drop_index(op.f("ix_missions_court_id_starts_at"), table_name="missions")
    op.drop_index(op.f("ix_missions_court_id_id"), table_name="missions")
    op.drop_table("missions")
    op.drop_index(op.f("ix_events_subject_id_log_index"), table_name="events")
    op.drop_index(op.f("ix_events_src_ep_seq"), table_name="events")
    op.drop_index(op.f("ix_events_hid"), table_name="events")
    op.drop_index(op.f("ix_events_court_id_log_index"), table_name="events")
    op.drop_index(op.f("ix_events_court_id_kind_log_index"), table_name="events")
    op.drop_index(op.f("ix_events_court_id_actor_id_log_index"), table_name="events")
    op.drop_index(op.f("ix_events_mission_id_log_index"), table_name="events")
    op.drop_index(op.f("ix_events_case_id_log_index"), table_name="events")
    op.drop_table("events")
    op.drop_table("changes")
    op.drop_table("worker_cursors")
    op.drop_index(op.f("ix_sign_in_guards_updated_at"), table_name="sign_in_guards")
    op.drop_table("sign_in_guards")
    op.drop_index(op.f("ix_proofs_seen_seen_at"), table_name="proofs_seen")
    op.drop_table("proofs_seen")
    op.drop_table("periodic_runs")
    op.drop_table("log_state")
    op.drop_index(op.f("ix_jobs_state_run_after"), table_name="jobs")
    op.drop_index(op.f("ix_jobs_state_lease_until"), table_name="jobs")
    op.drop_table("jobs")
    op.drop_index(op.f("ix_idempotent_replies_created_at"), table_name="idempotent_replies")
    op.drop_table("idempotent_replies")
    op.drop_table("examinations")
    op.drop_table("derivatives")
    op.drop_table("courts")
    op.drop_index(op.f("ix_blobs_copies_stored_at"), table_name="blobs")
    op.drop_table("blobs")
