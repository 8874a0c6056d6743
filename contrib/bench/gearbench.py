"""The Gearman server's goals (performance section 3): gearbench's own goals, when gearbench is beside the project."""

import os
import subprocess


def run(context):
    script = os.path.join(context.shared, 'bench', 'gearbench', 'goals', 'run.sh')
    if context.short or not os.path.exists(script):
        context.note('the queue is left out: ' + ('it takes long' if context.short else 'no ' + script))
        return
    state = os.path.join(context.folder, 'queue')
    command = '%s serve --gearman 127.0.0.1:{port} --http 127.0.0.1:0 --state %s-{port}' % (context.program, state)
    folder = os.path.join(os.path.abspath(context.out), 'gearbench')
    process = subprocess.Popen([script, '-n', str(max(context.rounds, 3)), '-o', folder], stdout=subprocess.PIPE, text=True,
                               env=dict(os.environ, CAUSEWAY=command))
    for line in process.stdout:
        if line.startswith(('ok  ', 'FAIL')):
            context.rows.append(row(line))
        context.note(line.rstrip())
    process.wait()


def row(line):
    """A line of gearbench's judgement, `ok   LABEL: FIGURE RATIO SIGN FACTOR of PEERS (n=ROUNDS)`, as a row of the table."""
    word, _, rest = line.partition(' ')
    label, _, rest = rest.strip().partition(': ')
    figure, ratio, sign, factor, _, peers = rest.strip().split(' ', 5)
    peers = peers.partition(' (n=')[0]
    sign = {'<=': '≤', '>=': '≥'}[sign]
    return '| section 3 | %s: %s | | %s | %s | %s %s × | %s |' % (
        label, figure, peers, ratio, sign, factor, 'ok' if word == 'ok' else '**FAIL**')
