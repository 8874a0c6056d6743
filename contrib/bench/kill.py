"""perf-R2, as far as it exists: the server is killed with -9 while it launches 40 nodes, and started again at once; beside
the same without the kill.

The builds are found again and run to their end (decision 6). One counts as served when its first step has begun, by the
server's own record."""

import os
import time

import gearman
from servers import Causeway, configuration, free_port, wait_for

BUILDS = 40
AT_ONCE = 4


def serve(context, kill):
    """Seconds from the first submission to each build's first step, in order; those from the kill to the first step after
    it; and what went wrong."""
    engine = context.engine()
    count = 8 if context.short else BUILDS
    folder, port = context.place('kill'), free_port()
    config = configuration(engine.host, count, at_once=AT_ONCE)
    server, killed = Causeway(context.program, folder, config, port), 0.0
    try:
        server.wait_ready_pool()
        began = time.time()
        client = gearman.Client(server.gearman)
        for number in range(count):
            client.submit('bench-empty', 'kill-%d' % number)
        for _ in range(count):
            client.data()
        nodes = os.path.join(folder, 'state', 'nodes')
        if kill:
            wait_for('launches are under way', lambda: len(listed(nodes)) >= AT_ONCE, 0.001)
            server.kill()
            killed = time.time()
            server.process.stdout.close()
            server = Causeway(context.program, folder, config, port)
        # Its builds must not be stopped for want of a client, so without a kill it stays.
        wait_for('all builds have ended', lambda: not server.json('/builds?state=live')['builds'], 0.05)
        client.close()
        builds = server.json('/builds?limit=500')['builds']
        wait_for('nothing is left', lambda: not server.json('/nodes')['nodes'], 0.05)
        wrong = {'wrong-count': abs(len(builds) - count), 'left-behind': len(listed(nodes)),
                 'wrong-result': sum(build['result'] != 'SUCCESS' for build in builds)}
    finally:
        context.remove_containers(server)
    steps = sorted(build['started_ms'] / 1000 for build in builds)
    after = min((step for step in steps if step > killed), default=steps[-1])
    return [step - began for step in steps], after - (killed or began), wrong


def run(context):
    for _ in range(context.rounds):
        calm, first, wrong = serve(context, False)
        context.report.add('kill', 'no kill', {'first_s': first, 'last_s': calm[-1]}, wrong)
        killed, first, wrong = serve(context, True)
        later = max(after - before for before, after in zip(calm, killed))
        context.report.add('kill', 'causeway', {'first_s': first, 'last_s': killed[-1], 'later_s': later}, wrong)


def listed(folder):
    return os.listdir(folder) if os.path.isdir(folder) else []
