#!/usr/bin/env python3
"""Plays hostile peers against a real `causeway serve`, with a well-behaved client beside them.

    hostile.py PROGRAM [--short] [--seconds N] [SCENARIO ...]

Each scenario gets a fresh server and prints one line of JSON in gearbench's form. `ok` means: the server's memory stayed below the
stated bound, the neighbour got every answer right, all connections were gone afterwards, the server still served, and (not with
--short, where times say nothing) the 99th percentile of the neighbour's JOB_CREATED at most doubled. Exit status 1 if one is not ok.

The hostile peers need processor time of their own, which on a small machine the neighbour and the server have to do without. So
the same peers are first played against a sink, a program that only reads, while the neighbour is alone with the server: `doubled`
means compared with the worse of that and of the quiet.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import wire
from crowd import Crowd
from scenarios import ALL

CONFIG = """\
state: {state}
gearman: {{listen: "127.0.0.1:0", max_queued_bytes: 512MiB}}
http: {{listen: "127.0.0.1:0"}}
"""


class Server:
    def __init__(self, program, folder):
        config = pathlib.Path(folder, "causeway.yaml")
        config.write_text(CONFIG.format(state=pathlib.Path(folder, "state")))
        self.log = open(pathlib.Path(folder, "log"), "wb")
        words = [program, "serve", "--config", str(config), "--json"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.log)
        ready = json.loads(self.process.stdout.readline())
        host, port = ready["gearman"].rsplit(":", 1)
        self.address, self.pid = (host, int(port)), self.process.pid

    def memory(self, field="VmHWM"):
        """Resident memory in MiB: the peak, or `VmRSS` for now."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        return 0.0

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.wait()
        self.log.close()


class Neighbour:
    def __init__(self, address):
        words = [sys.executable, str(pathlib.Path(__file__).with_name("probe.py")), "%s:%d" % address]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def go(self, seconds):
        self.process.stdin.write(f"go {seconds}\n")
        self.process.stdin.flush()

    def answer(self):
        return json.loads(self.process.stdout.readline() or '{"wrong": ["the neighbour is gone"], "p50_us": null, "p99_us": null, "refused": 0, "samples": 0}')

    def leave(self):
        self.process.stdin.close()
        self.process.wait(30)


class Sink:
    """What the hostile peers are played against to see what they cost the machine by themselves."""

    def __init__(self):
        words = [sys.executable, str(pathlib.Path(__file__).with_name("sink.py"))]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = ("127.0.0.1", int(self.process.stdout.readline()))

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


def others_gone(address, mine, limit=30):
    """How many connections are left beside those known, at most after a while."""
    end = time.monotonic() + limit
    peer = wire.Peer(address)
    while True:
        left = len(peer.text(b"workers")) - mine - 1
        if left <= 0 or time.monotonic() > end:
            peer.close()
            return max(left, 0)
        time.sleep(0.1)


def play(scenario, program, short, seconds):
    violations, figures = {}, {}
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        server = Server(program, folder)
        try:
            attack(scenario, server, short, seconds, figures, violations)
        except (OSError, ValueError) as error:
            violations["broke-off"] = f"{type(error).__name__}: {error}"
        finally:
            server.stop()
        if server.process.returncode not in (0, -15):
            violations["server-ended"] = server.process.returncode
    return {
        "scenario": scenario.name,
        "ok": not violations,
        "parameters": f"count={scenario.short if short else scenario.full} seconds={seconds} bound='{scenario.why}'",
        "figures": figures,
        "violations": violations,
    }


def attack(scenario, server, short, seconds, figures, violations):
    neighbour = Neighbour(server.address)
    neighbour.go(0.3)
    neighbour.answer()
    neighbour.go(seconds)
    before = neighbour.answer()
    count = scenario.short if short else scenario.full
    beside = None if short else beside_sink(scenario, neighbour, count, seconds)
    at_rest = server.memory("VmRSS")
    server.forget_peak()
    crowd = Crowd(server.address)
    neighbour.go(seconds)
    scenario.play(crowd, count, seconds)
    during = neighbour.answer()
    peak = server.memory()
    figures.update(sent_mib=round(crowd.sent / (1 << 20), 1), closed_by_server=crowd.closed, opened=crowd.opened)
    crowd.leave()
    left = others_gone(server.address, mine=2)
    neighbour.go(0.3)
    after = neighbour.answer()
    peak = max(peak, server.memory())
    neighbour.leave()
    figures.update(
        rss_at_rest_mib=round(at_rest, 1),
        rss_peak_mib=round(peak, 1),
        rss_bound_mib=round(at_rest + scenario.bound, 1),
        rss_after_mib=round(server.memory("VmRSS"), 1),
        created_p50_before_us=before["p50_us"],
        created_p50_during_us=during["p50_us"],
        created_p99_before_us=before["p99_us"],
        created_p99_during_us=during["p99_us"],
        created_samples=during["samples"],
        created_refused=during["refused"],
    )
    judge(scenario, short, figures, violations, [before, during, after], left, beside)


def beside_sink(scenario, neighbour, count, seconds):
    """What the neighbour sees while the hostile peers attack something else."""
    sink = Sink()
    crowd = Crowd(sink.address, answers=False)
    neighbour.go(seconds)
    scenario.play(crowd, count, seconds)
    crowd.leave()
    sink.stop()
    return neighbour.answer()


def judge(scenario, short, figures, violations, answers, left, beside):
    if figures["rss_peak_mib"] > figures["rss_bound_mib"]:
        violations["memory"] = f"{figures['rss_peak_mib']} MiB, more than {figures['rss_bound_mib']}"
    if left:
        violations["connections-left"] = left
    wrong = [text for answer in answers for text in answer["wrong"]]
    if wrong:
        violations["neighbour"] = wrong[:3]
    if not answers[2]["samples"] or answers[2]["refused"]:
        violations["serves-no-more"] = answers[2]
    if beside and all(answer["p99_us"] for answer in [answers[0], answers[1], beside]):
        figures["created_p99_sink_us"] = beside["p99_us"]
        figures["created_p99_ratio"] = round(answers[1]["p99_us"] / max(answers[0]["p99_us"], beside["p99_us"]), 2)
        if figures["created_p99_ratio"] > 2:
            violations["p99-more-than-doubled"] = figures["created_p99_ratio"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("scenario", nargs="*")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seconds", type=float)
    options = parser.parse_intermixed_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    seconds = options.seconds or (1.0 if options.short else 5.0)
    chosen = [scenario for scenario in ALL if not options.scenario or scenario.name in options.scenario]
    if len(chosen) < len(options.scenario or []):
        parser.error(f"the scenarios are: {' '.join(scenario.name for scenario in ALL)}")
    good = True
    for scenario in chosen:
        report = play(scenario, os.path.abspath(options.program), options.short, seconds)
        good &= report["ok"]
        print(json.dumps(report), flush=True)
    sys.exit(0 if good else 1)


main()
