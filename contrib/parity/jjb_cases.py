#!/usr/bin/env python3
"""Run Job Builder's own cases through the real program and through our reader, and compare.

Start it with the Python of an environment that holds the release to compare with:

    venv-jjb/bin/python contrib/parity/jjb_cases.py --cases SHARED/corpora/jjb-cases/4.3.0 \\
        --oracle SHARED/harness/jjb_oracle.py --reader target/.../debug/causeway

A case passes when both sides give the same names, definitions and component trees in the same order, or when both
refuse the input.  Cases of kind `component` hold one job's definition without a name; they are wrapped into a job.
The last line is `N passed, N failed`.
"""

import argparse
import configparser
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile

import yaml

from original import load_oracle

# Where this reader differs on purpose, with the reason.
XML = "refused by a module while it writes XML (jjb-J131)"
DIFFERENT = {
    "tests/yamlparser/job_fixtures/custom_distri.yaml": "uses a Python tag, which is refused (jjb-J21)",
}

FLAGS = ("allow_duplicates", "allow_empty_variables", "keep_descriptions", "retain_anchors")


def doubled(value):
    """The value as a plain job needs it: every brace in text doubled."""
    if isinstance(value, str):
        return value.replace("{", "{{").replace("}", "}}")
    if isinstance(value, dict):
        return {doubled(k): doubled(v) for k, v in value.items()}
    if isinstance(value, list):
        return [doubled(v) for v in value]
    return value


def wrapped(path, kind, unified, scratch):
    """A file with one job or view around a component case; None when it cannot be wrapped."""
    element = "view" if kind.startswith("view") else "job"
    try:
        with io.open(path, encoding="utf-8") as stream:
            body = yaml.safe_load(stream)
    except yaml.YAMLError:
        # Tags of Job Builder: keep the text and indent it.
        with io.open(path, encoding="utf-8") as stream:
            text = stream.read()
        lines = ["- %s:" % element]
        if not any(line.startswith("name:") for line in text.splitlines()):
            lines.append("    name: case")
        lines += ["    " + line if line.strip() else "" for line in text.splitlines() if line.strip() != "---"]
        target = os.path.join(scratch, "wrapped.yaml")
        with io.open(target, "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
        return target
    if not isinstance(body, dict):
        return None
    if unified:
        body = doubled(body)
    body.setdefault("name", "case")
    target = os.path.join(scratch, "wrapped.yaml")
    with io.open(target, "w", encoding="utf-8") as stream:
        yaml.safe_dump([{element: body}], stream, sort_keys=False, allow_unicode=True, width=10**6)
    return target


class Options:
    def __init__(self, paths, out):
        self.paths, self.out = paths, out
        self.filter, self.exclude, self.include_path, self.filter_modules = [], [], [], []
        self.plugins_info = None
        self.recursive = self.keep_going = self.traceback = False
        for flag in FLAGS:
            setattr(self, flag, False)

    def read_config(self, path):
        config = configparser.ConfigParser(strict=False)
        config.read(path)
        if not config.has_section("job_builder"):
            return
        section = config["job_builder"]
        for flag in FLAGS:
            setattr(self, flag, section.getboolean(flag, False))
        self.recursive = section.getboolean("recursive", False)
        if section.get("include_path"):
            self.include_path = section["include_path"].split(":")
        if section.get("exclude"):
            self.exclude = section["exclude"].split(":")

    def reader_arguments(self):
        out = []
        for flag in FLAGS:
            if getattr(self, flag):
                out.append("--" + flag.replace("_", "-"))
        if self.recursive:
            out.append("--recursive")
        for path in self.include_path:
            out += ["--include-path", path]
        for path in self.exclude:
            out += ["--exclude", path]
        if self.plugins_info:
            out += ["--plugins-info", self.plugins_info]
        return out


def run_oracle(oracle, options):
    """In a child, so that one case cannot disturb the next."""
    pid = os.fork()
    if pid == 0:
        status = 3
        try:
            with open(os.devnull, "w") as null:
                os.dup2(null.fileno(), 1)
                os.dup2(null.fileno(), 2)
            status = oracle.generate(options)
        finally:
            os._exit(status)
    os.waitpid(pid, 0)


def compare(oracle, left, right, only):
    """None when equal, else the first difference. `only`: jobs or views."""
    summaries = []
    for side in (left, right):
        path = os.path.join(side, "summary.json")
        if not os.path.exists(path):
            return "%s did not finish" % side
        summaries.append(oracle.load_json(path))
    errors = [summary.get("error") for summary in summaries]
    if errors[0] and errors[1]:
        return None
    if errors[0] or errors[1]:
        side = "original" if errors[0] else "ours"
        lines = (errors[0] or errors[1])["lines"]
        return "only %s refuses it: %s" % (side, " / ".join(lines)[:300])
    names = [[entry["name"] for entry in oracle.load_json(os.path.join(side, "index.json"))[only]] for side in (left, right)]
    if names[0] != names[1]:
        return "names: %s != %s" % (names[0][:8], names[1][:8])
    for name in names[0]:
        parts = [oracle.load_json(os.path.join(side, only, oracle.safe_name(name), "job.json")) for side in (left, right)]
        found = oracle.first_difference(*parts)
        if found:
            return "%s: %s" % (name, found)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", required=True)
    parser.add_argument("--oracle", required=True)
    parser.add_argument("--reader", required=True)
    parser.add_argument("--only", default="", help="only cases whose path has this in it")
    parser.add_argument("--every", type=int, metavar="N", default=1, help="only every Nth case")
    parser.add_argument("--kinds", default="jobs,jobs-dir,views,component,view-component")
    parser.add_argument("--show", action="store_true", help="our messages of failed cases")
    arguments = parser.parse_args()
    reader = os.path.abspath(arguments.reader)
    oracle = load_oracle(os.path.abspath(arguments.oracle))
    engine = oracle.detect_engine()
    dialect = "classic" if engine == "classic" else "unified"
    import jenkins_jobs.registry  # noqa: F401  (loaded once, before the children)

    os.chdir(arguments.cases)
    with io.open("manifest.yaml", encoding="utf-8") as stream:
        cases = yaml.safe_load(stream)["cases"]
    passed, failed, left_out = 0, 0, []
    for case in cases[:: arguments.every]:
        kind, path = case["kind"], case["input"]
        if arguments.only not in path or kind not in arguments.kinds.split(","):
            continue
        if case["expect"] == "error" and kind == "component":
            left_out.append("%s: %s" % (path, XML))
            continue
        if path in DIFFERENT:
            left_out.append("%s: %s" % (path, DIFFERENT[path]))
            continue
        with tempfile.TemporaryDirectory() as scratch:
            source = path
            if kind.endswith("component"):
                source = wrapped(path, kind, dialect == "unified", scratch)
                if source is None:
                    left_out.append("%s: not a mapping" % path)
                    continue
            options = Options([source], os.path.join(scratch, "original"))
            if case.get("config"):
                options.read_config(case["config"])
            options.plugins_info = case.get("plugins-info")
            if kind.endswith("component"):
                options.include_path = (options.include_path or ["."]) + [os.path.dirname(path)]
            run_oracle(oracle, options)
            ours = os.path.join(scratch, "ours")
            command = [reader, "jobs", "export", source, "--dialect", dialect, "--out", ours, *options.reader_arguments()]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
            only = "views" if "view" in kind else "jobs"
            found = compare(oracle, options.out, ours, only)
        if found is None:
            passed += 1
            continue
        failed += 1
        print("%s: %s" % (path, found))
        if arguments.show:
            print(done.stdout.decode("utf-8", "replace")[:2000])
    for line in left_out:
        print("not judged: %s" % line)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
