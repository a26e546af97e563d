"""Composition root: the only file that knows every slice."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from server.audit import sealing
from server.core.clock import Clock, SystemClock
from server.core.context import Runtime
from server.core.db import db
from server.core.failures import handle_failures
from server.core.ids import id_source
from server.core.keyring import KeyRing
from server.core.observe import configure_logging, observe
from server.core.origins import guard_origins
from server.core.transactions import engine_options, prepare_engine
from server.mounts import mount
from server.settings import Settings
from storage.factory import S3Config, StorageConfig, Stores, build_stores


def create_app(
    settings: Settings | None = None,
    *,
    env: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    randbytes: Callable[[int], bytes] = secrets.token_bytes,
    stores: Stores | None = None,
) -> Flask:
    """Build the application; raises ``SettingsError`` when the environment is not usable."""
    settings = settings or Settings.from_env(os.environ if env is None else env)
    configure_logging(settings.log_level)
    clock = clock or SystemClock()
    app = Flask(__name__, static_folder="console/static")
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings.database)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions["tiezheng"] = Runtime(
        settings=settings,
        clock=clock,
        ids=id_source(clock, randbytes),
        randbytes=randbytes,
        keyring=KeyRing(settings.data_dir / "keys", clock),
        stores=stores or build_stores(storage_config(settings)),
    )
    sealing.listen()
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=0, x_prefix=0
        )
    observe(app)
    guard_origins(app, settings)
    handle_failures(app)
    mount(app)
    return app


def storage_config(settings: Settings) -> StorageConfig:
    """Where bytes go, as the storage package wants to be told."""
    s3 = S3Config(
        bucket=settings.s3_bucket,
        endpoint=settings.s3_endpoint or None,
        region=settings.s3_region,
        access_key=settings.s3_access_key or None,
        secret_key=settings.s3_secret_key or None,
    )
    return StorageConfig(
        kind="s3" if settings.blob_store == "s3" else "local",
        root=settings.data_dir,
        s3=s3 if settings.blob_store == "s3" else None,
    )
