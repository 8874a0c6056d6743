"""Runs in gearbench's form, goals held against them, and the table for the README."""

import json
import statistics
import subprocess
import sys


# How names of figures end, the longest first.
UNITS = [('mib_per_s', ' MiB/s'), ('ms_per_mib', ' ms/MiB'), ('per_s', '/s'), ('_mib', ' MiB'), ('_kib', ' KiB'),
         ('_ms', ' ms'), ('_s', ' s')]


class Report:
    """Collects runs: one JSON line each to standard output, and wrapped with label and server to a file, as
    gearbench's `table` and `goals/bar.py` read them."""

    def __init__(self, path):
        self.file = open(path, 'a')
        self.runs = {}

    def add(self, label, server, figures, violations=None):
        violations = {kind: count for kind, count in (violations or {}).items() if count}
        run = {'scenario': label, 'ok': not violations,
               'figures': {name: round(value, 4) for name, value in figures.items()}, 'violations': violations}
        print(json.dumps(dict(run, server=server)), flush=True)
        print(json.dumps({'label': label, 'server': server, 'run': run}), file=self.file, flush=True)
        self.runs.setdefault((label, server), []).append(run)


class Goal:
    """A line of goals.txt, judged."""

    def __init__(self, line):
        self.rule, self.label, self.figure, self.sign, factor, self.peer, self.what = \
            [cell.strip() for cell in line.split('|')]
        self.factor = float(factor)

    def judge(self, runs):
        """Fills in ours, the peer's and the ratio; False when the workload was not run."""
        ours = runs.get((self.label, 'causeway'), [])
        peers = runs.get((self.label, self.peer), [])
        rows = []
        for turn, run in enumerate(ours):
            value = run['figures'].get(self.figure)
            rival = peers[turn]['figures'].get(self.figure) if turn < len(peers) else None
            if value is not None and (self.peer == '-' or rival):
                rows.append((value, rival, value / rival if rival else value))
        if not rows:
            return False
        self.count = len(rows)
        self.ours = statistics.median(row[0] for row in rows)
        self.rival = None if self.peer == '-' else statistics.median(row[1] for row in rows)
        self.ratio = statistics.median(row[2] for row in rows)
        met = self.ratio >= self.factor if self.sign == '>=' else self.ratio <= self.factor
        self.good = met and all(run['ok'] for run in ours + peers)
        return True

    def row(self):
        unit = unit_of(self.figure)
        rival = '' if self.rival is None else '%s: %s%s' % (self.peer, short(self.rival), unit)
        ratio = '' if self.rival is None else short(self.ratio)
        sign = '≤' if self.sign == '<=' else '≥'
        bound = '%s %g%s' % (sign, self.factor, unit if self.rival is None else ' ×')
        return '| %s | %s | %s%s | %s | %s | %s | %s |' % (
            self.rule, self.what, short(self.ours), unit, rival, ratio, bound, 'ok' if self.good else '**FAIL**')


def unit_of(figure):
    """The unit that a figure's name ends in, as people write it."""
    for ending, unit in UNITS:
        if figure.endswith(ending):
            return unit
    return ''


def short(value):
    size = abs(value)
    return '%.0f' % value if size >= 100 else '%.1f' % value if size >= 10 else '%.2f' % value


def goals(path):
    with open(path) as file:
        return [Goal(line) for line in file if '|' in line and not line.startswith('#')]


def table(path, runs, machine, repository, rounds, more):
    """The goals that were run and further rows, as Markdown; and whether all goals are met."""
    judged = [goal for goal in goals(path) if goal.judge(runs)]
    commit = subprocess.run(['git', '-C', repository, 'describe', '--always', '--dirty'], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, check=False).stdout.strip()
    lines = ['Commit %s, %d rounds, %s. Medians; a ratio is taken in each round, then its median.' % (
        commit or 'unknown', rounds, machine), '',
        '| rule | what | Causeway | peer | ratio | goal | |', '| --- | --- | --- | --- | --- | --- | --- |']
    lines += [goal.row() for goal in judged]
    return '\n'.join(lines + more) + '\n', all(goal.good for goal in judged)


def write_goals(path, into):
    """The goals in the five columns of gearbench's goals/bar.py."""
    with open(into, 'w') as file:
        for goal in goals(path):
            print(goal.label, goal.figure, goal.sign, goal.factor, goal.peer, sep=' | ', file=file)


def note(text):
    print('bench: ' + text, file=sys.stderr, flush=True)
