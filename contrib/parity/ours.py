"""Our reader as a function: `causeway jobs export`, and what it wrote."""

import json
import os
import re
import subprocess
import tempfile

CODE = re.compile(r"\[([a-z]+-?[a-z0-9-]*)\]$", re.M)


def load(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as stream:
        return json.load(stream)


class Ours:
    def __init__(self, reader, dialect):
        self.reader, self.dialect = reader, dialect

    def read(self, paths, flags, include_path, keep_going=False):
        """The same form as `Original.read`; with `keep_going` the error has all that is wrong."""
        with tempfile.TemporaryDirectory() as out:
            command = [self.reader, "jobs", "export", *paths, "--dialect", self.dialect, "--out", out]
            if keep_going:
                command.append("--keep-going")
            command += ["--" + flag.replace("_", "-") for flag, on in flags.items() if on]
            for path in include_path:
                command += ["--include-path", path]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
            found = {"jobs": [], "views": [], "error": None}
            try:
                error = load(out, "summary.json").get("error")
                for kind, entries in load(out, "index.json").items():
                    found[kind] = [load(out, kind, entry["dir"], "job.json") for entry in entries]
            except OSError:
                error = {"lines": ["crash: " + done.stdout.decode("utf-8", "replace")]}
            if error:
                text = "\n".join(error["lines"])
                codes = CODE.findall(text)
                found["error"] = {"text": text, "code": codes[0] if codes else "?", "codes": set(codes)}
            return found
