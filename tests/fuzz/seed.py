#!/usr/bin/env python3
"""Fills tests/fuzz/corpus with what the real tools wrote (tests/vectors), one file per text."""

import base64
import hashlib
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors"
# A large text only slows a fuzzer down.
LIMIT = 4096


def put(target, text):
    if text is None or len(text) > LIMIT:
        return
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(text).hexdigest()[:16]).write_bytes(text)


def decoded(case, name):
    return base64.b64decode(case[name]) if case[name] else None


def values(text):
    return [line.partition(b"=")[2] for line in (text or b"").splitlines() if b"=" in line]


def dotenvx():
    for path in sorted((VECTORS / "dotenvx").glob("*.json")):
        for case in json.loads(path.read_text())["cases"]:
            body, encrypted = decoded(case, "body_base64"), decoded(case, "encrypted_base64")
            for target in ("scanner", "sops_round_trip"):
                put(target, body)
            for target in ("scanner", "ciphertext"):
                put(target, encrypted)
            for value in values(encrypted):
                put("ciphertext", value)
    put("ciphertext", b'# envdrift:layout:1 header A:e PEM#2:nc\nA="x\\ny"\nPEM=1\nPEM="a\r\nb\nc"\n')
    put("ciphertext", b'A="x\n# envdrift:layout:1 header\ny"\n# envdrift:layout:1 A:e\nB=\'it\\\'s\'\n')


def sops():
    for path in sorted((VECTORS / "sops/files").iterdir()):
        text = path.read_bytes()
        if path.name.endswith(".plain.env"):
            put("scanner", text)
            put("sops_round_trip", text)
            put("sops_round_trip", b"layout:e;n@1-3;s2t@2\n" + text.rstrip(b"\n"))
        else:
            put("sops_metadata", text)
            for value in values(text):
                put("sops_value", value)
    for case in json.loads((VECTORS / "sops/bodies-3.13.3.json").read_text())["cases"]:
        put("sops_metadata", decoded(case, "encrypted_base64"))
    for case in json.loads((VECTORS / "sops/index.json").read_text()):
        if case.get("config"):
            put("sops_yaml", case["config"].encode())


dotenvx()
sops()
