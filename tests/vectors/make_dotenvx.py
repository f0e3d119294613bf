"""Writes dotenvx/VERSION.json: what each real dotenvx made of every body, in place, and back.

usage: make_dotenvx.py TOOLS_FOLDER OUTPUT_FOLDER
"""

import base64
import concurrent.futures
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from bodies import BODIES

VERSIONS = ["1.75.1", "2.21.0", "2.38.2"]
# A body with ${HOME} comes back with this in it where dotenvx expands on decrypt.
HOME = pathlib.Path("/tmp/envdrift-vector-home")


def dotenvx(tools, version, command, folder):
    """Runs one dotenvx command on .env in the folder with nothing of this machine's environment; returns its exit code."""
    bin_folder = tools / "bin" / f"dotenvx-{version}"
    env = {"PATH": f"{bin_folder}:/usr/bin:/bin", "HOME": str(HOME), "CI": "1", "DOTENVX_NO_ARMOR": "true"}
    return subprocess.run(
        [bin_folder / "dotenvx", command, "-f", ".env", "-fk", ".env.keys"],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    ).returncode


def b64(data):
    return base64.b64encode(data).decode()


def case(tools, version, name, body):
    with tempfile.TemporaryDirectory() as folder:
        env_file, keys_file = pathlib.Path(folder, ".env"), pathlib.Path(folder, ".env.keys")
        env_file.write_bytes(body)
        encrypt_exit = dotenvx(tools, version, "encrypt", folder)
        encrypted = env_file.read_bytes()
        keys = keys_file.read_text(encoding="utf-8") if keys_file.exists() else ""
        key = re.search(r"^DOTENV_PRIVATE_KEY=([0-9a-f]{64})$", keys, re.M)
        decrypt_exit = dotenvx(tools, version, "decrypt", folder)
        return {
            "name": name,
            "body_base64": b64(body),
            "encrypted_base64": b64(encrypted),
            "private_key": key and key.group(1),
            "decrypted_base64": b64(env_file.read_bytes()),
            "encrypt_exit": encrypt_exit,
            "decrypt_exit": decrypt_exit,
        }


def main():
    tools, output = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    HOME.mkdir()
    try:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for version in VERSIONS:
                cases = pool.map(lambda item: case(tools, version, *item), BODIES.items())
                lines = ",\n".join(json.dumps(made, separators=(",", ":")) for made in cases)
                head = f'"version":"{version}","home":"{HOME}"'
                (output / f"{version}.json").write_text(f'{{{head},"cases":[\n{lines}\n]}}\n', encoding="utf-8")
    finally:
        shutil.rmtree(HOME)


if __name__ == "__main__":
    main()
