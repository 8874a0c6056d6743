#!/usr/bin/env python3
"""Read random trees with the real Job Builder and with ours, and compare jobs, components, order and errors.

    contrib/parity/random_parity.py --seeds 300                  both dialects, environments made below target/
    contrib/parity/random_parity.py --seeds 500..520 --dialect unified --show

A difference prints the tree, reduced as far as it still shows it. The last line of each dialect is `N passed, N failed`.
"""

import argparse
import collections
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RELEASES = {"classic": ("venv-jjb", "jjb-requirements.txt"), "unified": ("venv-jjb-unified", "jjb-requirements-unified.txt")}

# How many differences are reduced and shown, and how long one may be reduced, in seconds.
SHOWN, PATIENCE = 5, 40


def environment(dialect):
    """The Python of an environment with the dialect's release; made when it is not there."""
    name, requirements = RELEASES[dialect]
    folder = os.path.join(ROOT, "target", name)
    python = os.path.join(folder, "bin", "python")
    if subprocess.call([python, "-c", "import jenkins_jobs"], stderr=subprocess.DEVNULL) if os.path.exists(python) else True:
        print("making %s" % folder, file=sys.stderr)
        subprocess.check_call([sys.executable, "-m", "venv", "--clear", folder])
        requirements = os.path.join(ROOT, "contrib", "ci", requirements)
        subprocess.check_call([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements])
    return python


def seeds(text):
    if ".." in text:
        begin, end = text.split("..")
        return range(int(begin), int(end))
    return range(int(text))


class Bench:
    """Both readers and a folder for the tree."""

    def __init__(self, arguments):
        sys.path.insert(0, HERE)
        from original import Original
        from ours import Ours

        self.original = Original(arguments.oracle)
        self.ours = Ours(os.path.abspath(arguments.reader), self.original.engine)
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        os.chdir(self.folder.name)
        self.spent = collections.Counter()

    def both(self, tree):
        """What both make of a tree."""
        for name in os.listdir("."):
            subprocess.call(["rm", "-rf", name]) if os.path.isdir(name) else os.unlink(name)
        os.makedirs("inc", exist_ok=True)
        for name, text in tree.texts().items():
            with open(name, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
        results = []
        for side, reader in (("original", self.original), ("ours", self.ours)):
            began = time.time()
            results.append(reader.read(["."], tree.flags, ["inc"]))
            self.spent[side] += time.time() - began
        return results

    def difference(self, tree, counts=None):
        """None when both agree, else kind and text of the first difference."""
        from verdict import judge, not_made_empty

        original, ours = self.both(tree)
        found = judge(original, ours, self.original.oracle.first_difference, counts)
        if found and not_made_empty(self.original.engine, tree.flags, ours):
            if counts is not None:
                counts["documented: missing variables of an included file"] += 1
            return None
        if found and original["error"] and ours["error"]:
            # Two wrongs may be met in another order; then the original's is among all of ours.
            everything = self.ours.read(["."], tree.flags, ["inc"], keep_going=True)
            for code in everything["error"]["codes"]:
                ours["error"] = {"text": everything["error"]["text"], "code": code}
                if judge(original, ours, self.original.oracle.first_difference) is None:
                    return None
        return found

    def reduced(self, tree, kind):
        """A smaller tree with a difference of the same kind."""
        from random_trees import Tree

        until = time.time() + PATIENCE
        progress = True
        while progress and time.time() < until:
            progress = False
            for files, flags in steps(tree):
                if time.time() > until:
                    break
                candidate = Tree(files, flags)
                found = self.difference(candidate)
                if found and found[0] == kind:
                    tree, progress = candidate, True
                    break
        return tree


def steps(tree):
    """Trees with one thing less."""
    from yaml_text import smaller

    for flag, on in tree.flags.items():
        if on:
            yield tree.files, {**tree.flags, flag: False}
    for name, node in tree.files.items():
        if name != "a.yaml":
            yield {other: text for other, text in tree.files.items() if other != name}, tree.flags
    for name, node in tree.files.items():
        if not isinstance(node, str):
            for inner in smaller(node):
                yield {**tree.files, name: inner}, tree.flags


def show(seed, tree, found):
    print("=" * 70)
    print("seed %d: %s: %s" % (seed, *found))
    print("options: %s" % " ".join(flag for flag, on in tree.flags.items() if on))
    for name, text in tree.texts().items():
        print("--- %s" % name)
        print(text, end="" if text.endswith("\n") else "\n")
    sys.stdout.flush()


def run(arguments):
    """In the environment of one dialect."""
    sys.path.insert(0, HERE)
    from random_trees import grow

    bench = Bench(arguments)
    counts, failed, passed, began = collections.Counter(), collections.Counter(), 0, time.time()
    for seed in seeds(arguments.seeds):
        if arguments.seconds and time.time() - began > arguments.seconds:
            break
        tree = grow(seed, bench.original.engine)
        found = bench.difference(tree, counts)
        if found is None:
            passed += 1
            continue
        failed[found[0]] += 1
        # One of each kind is enough to see what is wrong.
        if arguments.all or (failed[found[0]] == 1 and len(failed) <= SHOWN):
            if not arguments.whole:
                tree = bench.reduced(tree, found[0])
            show(seed, tree, bench.difference(tree) or found)
    for kind, number in failed.most_common():
        print("%6d  differ: %s" % (number, kind))
    if arguments.show:
        for kind, number in counts.most_common():
            print("%6d  %s" % (number, kind))
    spent = ", ".join("%s %.1f s" % pair for pair in bench.spent.items())
    print("%s: %d passed, %d failed (%s)" % (bench.original.engine, passed, sum(failed.values()), spent))
    return 1 if failed else 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    shared = os.environ.get("CAUSEWAY_SHARED", os.path.join(os.path.dirname(ROOT), "shared"))
    parser.add_argument("--seeds", default="300", help="how many, or A..B")
    parser.add_argument("--dialect", choices=sorted(RELEASES), help="only this one")
    parser.add_argument("--reader", default=os.path.join(ROOT, "target", "debug", "causeway"), help="our program")
    parser.add_argument("--oracle", default=os.path.join(shared, "harness", "jjb_oracle.py"))
    parser.add_argument("--python", help="use this Python instead of an environment of our own (with --dialect)")
    parser.add_argument("--seconds", type=float, help="stop after that time, and say how far it came")
    parser.add_argument("--show", action="store_true", help="also say what was compared, by kind")
    parser.add_argument("--all", action="store_true", help="show every difference")
    parser.add_argument("--whole", action="store_true", help="do not reduce")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    arguments = parse()
    if arguments.inside:
        return run(arguments)
    dialects = [arguments.dialect] if arguments.dialect else sorted(RELEASES)
    running = []
    for dialect in dialects:
        python = arguments.python or environment(dialect)
        command = [python, os.path.abspath(__file__), "--inside", *sys.argv[1:]]
        running.append(subprocess.Popen(command))
    return max(child.wait() for child in running)


if __name__ == "__main__":
    sys.exit(main())
