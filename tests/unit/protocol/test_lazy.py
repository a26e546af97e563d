import subprocess
import sys

import pytest

import client_sdk


def test_the_protocol_loads_no_http_library() -> None:
    program = (
        "import sys, pkgutil, importlib, client_sdk.protocol as p\n"
        "for m in pkgutil.iter_modules(p.__path__):"
        " importlib.import_module('client_sdk.protocol.' + m.name)\n"
        "heavy = {'httpx', 'http.client', 'urllib.request', 'requests', 'sqlite3', 'click',"
        " 'rich', 'keyring', 'flask', 'sqlalchemy', 'client_sdk.client'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError):
        client_sdk.nothing  # noqa: B018 - the access is the test
