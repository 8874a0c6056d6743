#!/usr/bin/env python3
"""Bursts of builds from the real Zuul while Causeway is killed with -9 again and again.

    target/venv-zuul/bin/python contrib/soak/soak.py --causeway PROGRAM --config FILE --state DIR

For --seconds (600) Zuul's launcher keeps --builds (20) builds of the job `lines` (fixtures/harness/jjb) under way and
launches again what it lost, as Zuul's scheduler would; every --kill-every (20) seconds the server is killed and started
again on the same state. At the end every launch has exactly one SUCCESS, every build of the server has one end, and each
line of each log is there once and in order. Figures go to standard output as one JSON object; exit status 1 when
something did not hold.
"""

import argparse
import collections
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'tests', 'harness'))

import zuul_drive                       # noqa: E402  (it prepares Zuul for Python 3)
from report import Report               # noqa: E402

# A launch is tried again so often: one kill can hit it at most once or twice.
TRIES = 20
JOB = 'lines'


class Server(object):
    """Causeway, on ports that stay the same over its restarts."""

    def __init__(self, args):
        self.args = args
        self.gearman = self.http = '127.0.0.1:0'
        self.process = None
        self.restarts = 0
        self.memory = []
        self.log = open(os.path.join(args.state + '.log'), 'ab')
        self.start()

    def start(self):
        began = time.time()
        self.process = subprocess.Popen(
            [self.args.causeway, 'serve', '--json', '--config', self.args.config,
             '--state', self.args.state, '--gearman', self.gearman, '--http', self.http],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit('the server did not start; see %s.log' % self.args.state)
        ready = json.loads(line)
        self.gearman = ready['gearman']
        self.http = ready['http'].split('//')[1].strip('/')
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        return time.time() - began

    def resident(self):
        with open('/proc/%d/status' % self.process.pid) as status:
            for line in status:
                if line.startswith('VmRSS:'):
                    return int(line.split()[1]) * 1024

    def kill(self):
        self.memory.append(self.resident())
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.restarts += 1
        self.start()

    def get(self, path):
        with urllib.request.urlopen('http://%s%s' % (self.http, path), timeout=30) as answer:
            return answer.read().decode('utf-8', 'replace')

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def connected(driver):
    """Zuul reports EXCEPTION for what it launches without a connection, so the bursts wait for one."""
    return bool(driver.launcher.gearman.active_connections)


def launch(driver, name):
    driver.do_launch(JOB, **{'as': name, 'params': {'LINES_WANTED': ARGS.lines, 'LINE_SECONDS': '0.02'}})


def bursts(driver, server):
    """Launches until the time is over; returns tries by launch, and those that never got their SUCCESS."""
    end = time.time() + ARGS.seconds
    next_kill = time.time() + ARGS.kill_every
    # Launches that are under way: number -> how often it was tried.
    tries, pending, count = collections.OrderedDict(), {}, 0
    failed = []
    while True:
        over = time.time() >= end
        while not over and len(pending) < ARGS.builds and connected(driver):
            tries[count] = 1
            pending[count] = '%d.1' % count
            launch(driver, pending[count])
            count += 1
        for number, name in list(pending.items()):
            record = driver.watcher.by_alias[name]
            if not record.completed.is_set() or not connected(driver):
                continue
            del pending[number]
            if record.result == 'SUCCESS':
                continue
            # EXCEPTION: the connection broke between the look and the launch.
            if tries[number] >= TRIES or record.result not in (None, 'LOST', 'EXCEPTION'):
                failed.append([number, record.result])
                continue
            tries[number] += 1
            pending[number] = '%d.%d' % (number, tries[number])
            launch(driver, pending[number])
        if over and not pending:
            return tries, failed
        if time.time() > end + 120:
            return tries, failed + [[number, 'never ended'] for number in pending]
        if not over and time.time() >= next_kill:
            server.kill()
            next_kill = time.time() + ARGS.kill_every
        threading.Event().wait(0.05)


def look_at_builds(server):
    """Each build of the server: ended, and its lines once and in order."""
    wrong, results, number = [], collections.Counter(), 0
    deadline = time.time() + 120
    while True:
        number += 1
        path = '/job/%s/%d/' % (JOB, number)
        while True:
            try:
                build = json.loads(server.get(path + 'api/json'))
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return number - 1, results, wrong
                raise
            if not build['building'] or time.time() > deadline:
                break
            threading.Event().wait(0.2)
        results[str(build['result'])] += 1
        lines = [line for line in server.get(path + 'consoleText').splitlines() if line.startswith('line ')]
        wanted = ['line %d' % n for n in range(1, ARGS.lines + 1)]
        if build['building']:
            wrong.append([number, 'has no end'])
        elif build['result'] == 'SUCCESS' and lines != wanted:
            wrong.append([number, 'has %d lines: %r' % (len(lines), lines[-3:])])
        elif lines != wanted[:len(lines)]:
            wrong.append([number, 'has lines out of order: %r' % lines[-3:]])


def main():
    server = Server(ARGS)
    report = Report(stream=open(ARGS.state + '.events', 'w'))
    driver = zuul_drive.Driver(server.gearman, report, check_registration=False)
    try:
        tries, failed = bursts(driver, server)
        ends = collections.Counter(e['build'] for e in list(report.seen) if e['event'] == 'end')
        twice = [build for build, times in ends.items() if times > 1]
        count, results, wrong = look_at_builds(server)
        server.memory.append(server.resident())
    finally:
        server.stop()
    figures = {
        'launches': len(tries), 'launched_again': sum(tries.values()) - len(tries), 'kills': server.restarts,
        'builds': count, 'results': results, 'failed': failed, 'ended_twice': twice, 'wrong': wrong,
        'memory_mib': [round(bytes / 1048576.0, 1) for bytes in server.memory],
    }
    print(json.dumps(figures))
    return 1 if failed or twice or wrong or not tries else 0


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--causeway', required=True)
    parser.add_argument('--config', required=True)
    parser.add_argument('--state', required=True)
    parser.add_argument('--seconds', type=float, default=600)
    parser.add_argument('--kill-every', type=float, default=20)
    parser.add_argument('--builds', type=int, default=20)
    parser.add_argument('--lines', type=int, default=30)
    ARGS = parser.parse_args()
    sys.stdout.flush()
    code = main()
    sys.stdout.flush()
    os._exit(code)
