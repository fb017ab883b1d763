"""Twilio's own description of its API, out of a package that Twilio publishes on npm."""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

PACKAGE = "@twilio-alpha/mcp@0.7.0"
INTEGRITY = "YsUde1pMXwqHm8Cvq9JdtsyvclVCC/f/V+FmxTNN04u5Qt5aapkbQgcfqBYQ0xcmvATBNswgPDo3MPVaCtZK8Q=="
FILE = "package/twilio-oai/spec/json/twilio_api_v2010.json"
SECONDS = 60


def published_description(directory: Path) -> dict[str, Any] | None:
    """The OpenAPI description; None where npm or its registry is out of reach.

    ValueError when the package is not the one that was looked at.
    """
    npm = shutil.which("npm")
    if npm is None:
        return None
    command = [npm, "pack", "--silent", "--pack-destination", str(directory), PACKAGE]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, cwd=directory)
    except (subprocess.SubprocessError, OSError):
        return None
    (packed,) = directory.glob("*.tgz")
    if base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode() != INTEGRITY:
        raise ValueError(f"{PACKAGE} has changed.")
    with tarfile.open(packed) as archive:
        member = archive.extractfile(FILE)
        assert member
        return json.load(member)


def schema_of(description: dict[str, Any], path: str, method: str, status: str) -> dict[str, Any]:
    """The JSON schema of an answer, with all that it refers to."""
    answer = description["paths"][path][method]["responses"][status]
    schema = answer["content"]["application/json"]["schema"]
    return _plain({**schema, "components": description["components"]})


def _plain(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` in JSON Schema's words; examples and the like are left out."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {
        key: _plain(value) for key, value in node.items() if key not in {"nullable", "examples", "example"}
    }
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        plain["type"] = [node["type"], "null"]
    return plain
