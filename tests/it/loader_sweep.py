"""Reads a JSON list of texts from standard input; prints what python-dotenv makes of each."""

import io
import json
import logging
import sys

from dotenv import dotenv_values
from dotenv.parser import parse_stream


def read(text):
    # newline=None gives the universal newlines that open() has.
    return io.StringIO(text, newline=None)


def describe(text):
    bindings = [
        {"key": b.key, "value": b.value, "error": b.error, "text": b.original.string, "line": b.original.line}
        for b in parse_stream(read(text))
    ]
    resolved = list(dotenv_values(stream=read(text)).items())
    return {"bindings": bindings, "resolved": resolved}


logging.disable()
sys.stdin.reconfigure(encoding="utf-8", newline="")
json.dump([describe(text) for text in json.load(sys.stdin)], sys.stdout)
