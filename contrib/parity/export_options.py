#!/usr/bin/env python3
"""Hold `causeway jobs export` with every option against the oracle's `run` with the same words on the same tree.

    contrib/parity/export_options.py --oracle SHARED/harness/jjb_oracle.py --reader target/.../debug/causeway

Start it with the Python of an environment that holds the release to compare with. Each case is read by both; exit code, names and
folders of jobs and views in their order, the counts of elements, and the content of every `job.json` have to be equal, and the
option has to change something. The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

from original import load_oracle  # noqa: E402

JOB = "- job: {name: %s, builders: [{shell: '%s'}]}\n"
POST = "- job: {name: post, publishers: [{postbuildscript: {builders: [{shell: old}], onsuccess: true}}]}\n"
NEW = "- job: {name: new, publishers: [{postbuildscript: {builders: [{build-on: [SUCCESS], build-steps: [{shell: new}]}]}}]}\n"

FILES = {
    # A folder with folders inside.
    "deep/a.yaml": JOB % ("a", "one") + JOB % ("b-1", "two") + "- view: {name: v, view-type: list}\n",
    "deep/b.yml": JOB % ("c", "three"),
    "deep/not-read.txt": "- nonsense\n",
    "deep/in/d.yaml": JOB % ("d", "four"),
    "deep/in/er/e.yaml": JOB % ("e", "five"),
    "deep/in/skip/f.yaml": JOB % ("f", "six"),
    "deep/skip/g.yaml": JOB % ("g", "seven"),
    "deep/.hidden/h.yaml": JOB % ("h", "eight"),
    "more/i.yaml": JOB % ("i", "nine"),
    # Includes.
    "inc/one/s.sh": "from one\n",
    "inc/two/s.sh": "from two\n",
    "inc/two/only.sh": "only in two\n",
    "tags/s.sh": "beside\n",
    "tags/a.yaml": "- job: {name: t, builders: [{shell: !include-raw: s.sh}]}\n",
    "only/a.yaml": "- job: {name: t, builders: [{shell: !include-raw: only.sh}]}\n",
    # Duplicates, of elements and of what is made.
    "twice/a.yaml": JOB % ("same", "first") + JOB % ("same", "second") + "- job-template: {name: '{n}', builders: [{shell: made}]}\n"
    "- project: {name: p, n: same, jobs: ['{n}']}\n",
    # A missing variable.
    "gap/a.yaml": "- job-template: {name: 'x{n}', builders: [{shell: 'a{gone}b'}]}\n- project: {name: p, n: 1, jobs: ['x{n}']}\n",
    # Descriptions.
    "words/a.yaml": "- job: {name: bare}\n- job: {name: told, description: words}\n",
    # Anchors over files, and for one that is included by name.
    "anchors/a.yaml": "- job: {name: first, builders: &steps [{shell: shared}]}\n",
    "anchors/b.yaml": "- job: {name: second, builders: *steps}\n",
    # A plugin whose old release has another form.
    "plugins/a.yaml": POST,
    "plugins/new.yaml": NEW,
    "old-plugins.yaml": "- {longName: 'Jenkins Post-Build Script Plug-in', shortName: postbuildscript, version: '0.17'}\n",
    "new-plugins.yaml": "- {longName: 'Jenkins Post-Build Script Plug-in', shortName: postbuildscript, version: '3.1'}\n",
    # A job that cannot be finished among others.
    "broken/a.yaml": JOB % ("good", "x") + "- job: {name: bad, builders: [no-such-step]}\n" + JOB % ("later", "y"),
    # Names that are no names of files.
    "names/a.yaml": "- job: {name: 'a/b', folder: top, builders: []}\n- job: {name: '.dot%%'}\n- job: {name: 'é ü'}\n- job: {name: '%s'}\n" % ("n" * 230),
}

# What is compared: the words without the option, and the options in turn.
CASES = [
    (["deep"], ["--recursive"]),
    (["deep", "more"], ["--recursive"]),
    (["deep"], ["--recursive", "--exclude", "skip"]),
    (["deep"], ["--recursive", "--exclude", "in", "--exclude", "skip"]),
    (["deep"], ["--recursive", "--exclude", "deep/in/skip"]),
    (["deep"], ["--recursive", "--exclude", "s*"]),
    (["deep"], ["--filter", "b*"]),
    (["deep"], ["--filter", "?"]),
    (["deep"], ["--filter", "[!a]", "--filter", "b-*"]),
    (["deep"], ["--filter", "nobody"]),
    (["tags"], ["--include-path", "inc/one"]),
    (["tags"], ["--include-path", "inc/two", "--include-path", "inc/one"]),
    (["only"], ["--include-path", "inc/one", "--include-path", "inc/two"]),
    (["twice"], ["--allow-duplicates"]),
    (["gap"], ["--allow-empty-variables"]),
    (["words"], ["--keep-descriptions"]),
    (["anchors/a.yaml", "anchors/b.yaml"], ["--retain-anchors"]),
    (["anchors"], ["--retain-anchors"]),
    (["plugins/a.yaml"], ["--plugins-info", "old-plugins.yaml"]),
    (["plugins/new.yaml"], ["--plugins-info", "new-plugins.yaml"]),
    (["broken"], ["--keep-going"]),
    (["names"], []),
    (["deep/not-read.txt"], []),
    (["more/i.yaml", "deep/a.yaml"], ["--filter", "i", "--keep-descriptions", "--allow-duplicates"]),
]

# With these the option changes nothing: both sides have to agree, no more.
NO_CHANGE = ("new-plugins.yaml",)


class Sides:
    def __init__(self, arguments):
        self.oracle_path, self.reader = arguments.oracle, os.path.abspath(arguments.reader)
        self.oracle = load_oracle(arguments.oracle)
        self.engine = self.oracle.detect_engine()

    def run(self, command, out):
        done = subprocess.run([*command, "--out", out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        with open(os.path.join(out, "index.json"), encoding="utf-8") as stream:
            index = json.load(stream)
        with open(os.path.join(out, "summary.json"), encoding="utf-8") as stream:
            summary = json.load(stream)
        return done.returncode, index, summary

    def theirs(self, words, out):
        return self.run([sys.executable, self.oracle_path, "run", *words], out)

    def ours(self, words, out):
        return self.run([self.reader, "jobs", "export", *words, "--dialect", self.engine], out)

    def content(self, left, right):
        """Differences in what stands in the folders."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            self.oracle.main(["diff", left, right, "--what", "json", "--order"])
        return said.getvalue()


def sound(index):
    """Names and folders of what was finished, in order."""
    return {kind: [(entry["name"], entry["dir"]) for entry in entries if "error" not in entry] for kind, entries in index.items()}


def difference(sides, words, scratch):
    """What is not the same, and what theirs gave."""
    left, right = os.path.join(scratch, "left"), os.path.join(scratch, "right")
    (code, index, summary), (our_code, our_index, our_summary) = sides.theirs(words, left), sides.ours(words, right)
    given = (code, json.dumps(sound(index)), "error" in summary, texts(left))
    if (code == 0) != (our_code == 0):
        return "exit code %s, ours %s: %s" % (code, our_code, summary.get("error", our_summary.get("error"))), given
    if "error" in summary and "error" in our_summary:
        return None, given
    if sound(index) != sound(our_index):
        return "%s\n  ours: %s" % (sound(index), sound(our_index)), given
    if summary.get("elements") != our_summary.get("elements"):
        return "elements %s, ours %s" % (summary.get("elements"), our_summary.get("elements")), given
    unfinished = any("error" in entry for entries in index.values() for entry in entries)
    said = "" if unfinished else sides.content(left, right)
    return (None if unfinished or ", 0 failed" in said else said), given


def texts(folder):
    """All that is written for jobs and views."""
    out = []
    for base, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name == "job.json":
                with open(os.path.join(base, name), encoding="utf-8") as stream:
                    out.append(stream.read())
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--oracle", required=True)
    parser.add_argument("--reader", required=True)
    arguments = parser.parse_args()
    arguments.oracle = os.path.abspath(arguments.oracle)
    sides, failed = Sides(arguments), 0
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(text)
        os.chdir(folder)
        known = {}
        for paths, options in CASES:
            for words in (tuple(paths), (*paths, *options)):
                if words in known:
                    continue
                with tempfile.TemporaryDirectory() as scratch:
                    found, known[words] = difference(sides, words, scratch)
                if found:
                    failed += 1
                    print("%s: %s" % (" ".join(words), found))
            if options and known[tuple(paths)] == known[(*paths, *options)] and options[-1] not in NO_CHANGE:
                failed += 1
                print("%s: the option changes nothing" % " ".join([*paths, *options]))
    print("%s: %d passed, %d failed" % (sides.engine, len(CASES) - min(failed, len(CASES)), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
