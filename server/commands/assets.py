"""``flask --app wsgi assets``: copy the libraries of the pages from npm's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click
from flask import Flask

from server.commands.console import EPILOG, Console, about, operated
from server.console.assets import copy_vendor

PACKAGES: Final = Path(__file__).resolve().parents[2] / "node_modules"


@click.command(
    "assets", epilog=EPILOG,
    help=about(
        "从 npm 文件夹复制页面所用的库并记下摘要；缺少时页面仍可用。",
        "Copy the libraries of the pages from npm's folder, with digests; pages work without.",
    ),
)  # fmt: skip
@operated
def assets(console: Console) -> dict[str, Any]:
    """Copy the libraries."""
    copied, missing = copy_vendor(PACKAGES)
    for name in copied:
        console.show(f"✓ {name}")
    for name in missing:
        console.show(f"· {name}")
    if missing:
        console.say(
            "以上带点者未安装：先运行 npm ci；在此之前页面以链接和表单工作",
            "what has a dot is not installed: run 'npm ci'; until then pages use links and forms",
        )
    return {"copied": copied, "missing": missing}


def register(app: Flask) -> None:
    """Put the command on the application."""
    app.cli.add_command(assets)
