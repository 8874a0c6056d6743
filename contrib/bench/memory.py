"""perf-M1 to M3: memory of an idle Causeway with its jobs, of a keeper on a node, and for each build that runs."""

import os

import gearman
import machine
from servers import Causeway, Gearmand, configuration, free_port, wait_for

JOBS = 781


def tree(context):
    """Wikimedia's jobs when they are beside the project, or as many generated ones."""
    shared = os.path.join(context.shared, 'corpora', 'wikimedia', 'jjb')
    if os.path.isdir(shared):
        return shared
    folder = context.place('tree')
    with open(os.path.join(folder, 'jobs.yaml'), 'w') as file:
        file.write('- job-template:\n    name: "{name}-{number}"\n    node: bench\n    builders:\n'
                   '      - shell: |\n          set -e\n          make test PROJECT={number}\n'
                   '    publishers:\n      - archive:\n          artifacts: "log/*"\n'
                   '- project:\n    name: project\n    number: [%s]\n    jobs: ["{name}-{number}"]\n'
                   % ', '.join(str(number) for number in range(JOBS)))
    return folder


def settled(pid):
    """Resident memory once it has stopped changing, in KiB."""
    last = [0, 0]

    def same():
        now = machine.resident_kib(pid)
        last[1] = last[1] + 1 if now == last[0] else 0
        last[0] = now
        return last[1] >= 5
    wait_for('a steady size', same, 0.1)
    return last[0]


def idle(context, jobs):
    port = free_port()
    with Gearmand(context.place('gearmand'), port) as server:
        wait_for('gearmand listens', lambda: answers(port))
        context.report.add('memory idle', 'gearmand', {'resident_mib': settled(server.pid) / 1024})
    config = configuration('process', 4, jobs=jobs, extra='map: {}')
    with Causeway(context.program, context.place('idle'), config) as server:
        status = server.json('/status')
        client = gearman.Client(server.gearman)
        client.send(gearman.SUBMIT_JOB_BG, b'bench', b'', b'')
        client.receive()
        client.close()
        context.report.add('memory idle', 'causeway', {
            'resident_mib': settled(server.pid) / 1024, 'jobs': status['jobs']},
            {'wrong-count-of-jobs': int(status['jobs'] != JOBS)})


def answers(port):
    try:
        gearman.Client(('127.0.0.1', port)).close()
        return True
    except ConnectionRefusedError:
        return False


def builds(context):
    count = 10 if context.short else 200
    config = configuration('process', count, at_once=16)
    with Causeway(context.program, context.place('memory'), config) as server:
        client = gearman.Client(server.gearman)
        # What the first builds need once, buffers and code, is not counted.
        warm = gearman.builds(client, 'bench-empty', 3)
        wait_for('no nodes', lambda: not server.json('/nodes')['nodes'], 0.05)
        before = settled(server.pid)
        for number in range(count):
            client.submit('bench-wait', 'wait-%d' % number)
        wait_for('all builds run', lambda: running(server) == count, 0.1)
        after = settled(server.pid)
        keepers = machine.keepers(server.folder)
        private = [machine.private_kib(pid) for pid in keepers]
        wrong = {'wrong-result': warm, 'wrong-count-of-keepers': int(len(keepers) != count)}
        context.report.add('memory builds', 'causeway', {
            'per_build_kib': (after - before) / count, 'keeper_private_mib': max(private) / 1024,
            'builds': count}, wrong)
        client.close()


def running(server):
    status = server.json('/nodes')
    leased = sum(node['state'] == 'leased' for node in status['nodes'])
    live = server.json('/builds?state=live&limit=500')['builds']
    steps = sum(build['state'] == 'running' for build in live)
    return min(leased, steps)


def run(context):
    jobs = tree(context)
    for _ in range(context.rounds):
        idle(context, jobs)
        builds(context)
