"""Writes the sops vectors: files made by real sops, changed copies of them, and what real sops says to each.

usage: make_sops.py TOOLS_FOLDER OUTPUT_FOLDER
"""

import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from bodies import BODIES
from sops_cases import CASES, SETS, TAMPERED

NEW, OLD = "3.13.3", "3.9.4"
TYPES = ["--input-type", "dotenv", "--output-type", "dotenv"]
AGE_KEYS = ["a", "b", "c"]


def b64(data):
    return base64.b64encode(data).decode()


class Sops:
    """Runs the real sops with an empty environment, an empty home and only the keys it is given."""

    def __init__(self, tools, keys):
        self.tools, self.keys = tools, keys

    def run(self, version, folder, *arguments, identities=(), stdin=b""):
        env = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
        age = [name for name in identities if name in AGE_KEYS]
        if age:
            env["SOPS_AGE_KEY"] = "\n".join((self.keys / f"{name}.txt").read_text() for name in age)
        if "ssh_ed25519" in identities:
            env["SOPS_AGE_SSH_PRIVATE_KEY_FILE"] = str(self.keys / "ssh_ed25519")
        program = self.tools / "bin" / f"sops-{version}" / "sops"
        return subprocess.run([program, *arguments], cwd=folder, env=env, input=stdin, capture_output=True, timeout=60)

    def decrypt(self, version, content, identities):
        """The exit code of `sops decrypt`, and the plaintext if there is one."""
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "in.env").write_bytes(content)
            done = self.run(version, folder, "decrypt", *TYPES, "in.env", identities=identities)
            return done.returncode, done.stdout if done.returncode == 0 else None

    def encrypt(self, version, config, plain, settings=()):
        """The exit code and output of `sops encrypt` under the given .sops.yaml, after `sops set` of the given pairs."""
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, ".sops.yaml").write_text(config)
            target = pathlib.Path(folder, "in.env")
            target.write_bytes(plain)
            done = self.run(version, folder, "encrypt", *TYPES, "in.env")
            if done.returncode or not settings:
                return done.returncode, done.stdout
            target.write_bytes(done.stdout)
            for key, value in settings:
                done = self.run(version, folder, "set", *TYPES, "in.env", f'["{key}"]', value, identities=["a"])
                assert done.returncode == 0, (key, value, done.stderr)
            return 0, target.read_bytes()


def make_keys(tools, keys):
    """Generates the age and ssh keys; returns the recipient of each by name."""
    recipients = {}
    for name in AGE_KEYS:
        path = keys / f"{name}.txt"
        subprocess.run([tools / "bin/age/age-keygen", "-o", path], check=True, capture_output=True)
        recipients[name] = re.search(r"age1\w+", path.read_text()).group()
    path = keys / "ssh_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "vector", "-f", path], check=True)
    public = path.with_suffix(".pub")
    recipients["ssh_ed25519"] = public.read_text().strip()
    return recipients


def main():
    tools, output = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    keys, files = output / "keys", output / "files"
    for folder in (keys, files):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    recipients = make_keys(tools, keys)
    sops = Sops(tools, keys)
    index, made = [], {}

    def add(name, content, identities, **more):
        """Stores one encrypted file and what both versions say to it, once with each set of identities."""
        (files / f"{name}.enc.env").write_bytes(content)
        made[name] = content
        for position, who in enumerate(identities):
            code, plain = sops.decrypt(NEW, content, who)
            older, older_plain = sops.decrypt(OLD, content, who)
            entry = {"name": name if position == 0 else f"{name}__with_{'_'.join(who) or 'none'}"}
            entry |= {"file": f"files/{name}.enc.env"} | more
            entry |= {"identities": who, "exit": code, "plaintext_base64": None if plain is None else b64(plain)}
            entry |= {"exit_3_9_4": older, "same_plaintext_3_9_4": plain == older_plain}
            index.append(entry)

    for name, rule, plain, identities in CASES:
        config = "creation_rules:\n" + re.sub(r"\{(\w+)\}", lambda found: recipients[found.group(1)], rule)
        for version in (NEW, OLD):
            code, content = sops.encrypt(version, config, plain)
            if code:
                assert version == OLD, (name, code)
                print(f"sops {OLD} cannot make {name}: exit {code}")
                continue
            full = name if version == NEW else f"{name}__by_3_9_4"
            (files / f"{name}.plain.env").write_bytes(plain)
            add(full, content, identities, made_by=version, plain=f"files/{name}.plain.env", config=config)

    config = f"creation_rules:\n  - age: {recipients['a']}\n"
    for name, plain, settings in SETS:
        code, content = sops.encrypt(NEW, config, plain, settings)
        assert code == 0, name
        add(name, content, [["a"]], made_by=NEW, config=config, set=[list(pair) for pair in settings])

    for name, source, why, change in TAMPERED:
        changed = change(made[source])
        assert changed != made[source], name
        add(f"tampered_{name}", changed, [["a"]], made_by=NEW, tampered_from=source, change=why)

    lines = ",\n".join(json.dumps(entry, separators=(",", ":"), ensure_ascii=False) for entry in index)
    (output / "index.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")

    cases = []
    for name, body in BODIES.items():
        # Twenty thousand characters prove nothing here that two thousand do not.
        body = body if len(body) < 3000 else body[:2000] + b"\n"
        code, content = sops.encrypt(NEW, config, body)
        back, plain = sops.decrypt(NEW, content, ["a"]) if code == 0 else (None, None)
        entry = {"name": name, "body_base64": b64(body), "encrypt_exit": code}
        entry |= {"encrypted_base64": b64(content) if code == 0 else None, "decrypt_exit": back}
        cases.append(entry | {"decrypted_base64": None if plain is None else b64(plain)})
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in cases)
    head = f'"version":"{NEW}","identities":["a"]'
    (output / f"bodies-{NEW}.json").write_text(f'{{{head},"cases":[\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
