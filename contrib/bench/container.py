"""perf-D1: a container for one build with one empty step, from nothing to nothing, beside the bare calls of the Engine API.

Both are timed until the engine says that the container is gone. The bare calls make the same container: the same
image, limits, network and number of mounts, with the shell as its process."""

import concurrent.futures
import json
import statistics
import threading
import time
import urllib.parse

import gearman
from servers import IMAGE, Causeway, configuration, wait_for


class Gone:
    """Listens to the engine: when was which container destroyed."""

    def __init__(self, engine):
        self.times = {}
        self.connection = engine.connection()
        query = urllib.parse.quote('{"type":["container"],"event":["destroy"]}')
        self.connection.request('GET', '/v1.41/events?filters=' + query)
        self.answer = self.connection.getresponse()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        try:
            for line in self.answer:
                event = json.loads(line)
                self.times[event['Actor']['Attributes']['name']] = time.perf_counter()
        except (OSError, ValueError, AttributeError):
            # The connection was closed: nobody listens any more.
            pass

    def new(self, before, count):
        """Waits until so many more containers are gone; the moment of the last one."""
        wait_for('%d containers are gone' % count, lambda: len(self.times) >= before + count, 0.001)
        return max(self.times.values())


def bare_once(engine, folder, number):
    """Create, start, wait for the end, delete, on one connection."""
    connection = engine.connection()
    name = 'causeway-bench-%d' % number
    mount = {'Type': 'bind', 'Source': folder, 'Target': folder}
    body = {'Image': IMAGE, 'Entrypoint': ['/bin/sh', '-c', ':'], 'Hostname': 'bench', 'WorkingDir': '/',
            'OpenStdin': True, 'AttachStdin': True, 'AttachStdout': True, 'AttachStderr': True,
            'HostConfig': {'Mounts': [mount, dict(mount, Target='/run/bench', ReadOnly=True)], 'PidsLimit': 1024,
                           'CapDrop': ['NET_RAW', 'MKNOD'], 'SecurityOpt': ['no-new-privileges'], 'Init': False,
                           'LogConfig': {'Type': 'none'}}}
    made = connection.call('POST', '/containers/create?name=' + name, body)['Id']
    connection.call('POST', '/containers/%s/start' % made)
    code = connection.call('POST', '/containers/%s/wait' % made)['StatusCode']
    connection.call('DELETE', '/containers/%s?v=true&force=true' % made)
    connection.close()
    return code


def timed(gone, count, work):
    """Milliseconds until that work's containers are gone, and what it returned."""
    before = len(gone.times)
    began = time.perf_counter()
    result = work()
    return (gone.new(before, count) - began) * 1000, result


def run(context):
    engine = context.engine()
    turns, many = (2, 4) if context.short else (6, 16)
    gone, folder = Gone(engine), context.place('bare')
    with Causeway(context.program, context.place('container'), configuration(engine.host, 4)) as server:
        client = gearman.Client(server.gearman)
        pool = concurrent.futures.ThreadPoolExecutor(4)
        numbers = iter(range(10 ** 9))

        def bare():
            return bare_once(engine, folder, next(numbers))

        def ours(count):
            return gearman.builds(client, 'bench-empty', count)
        try:
            ours(1)
            for _ in range(context.rounds):
                alone = {'bare': [], 'causeway': []}
                wrong = {'bare': 0, 'causeway': 0}
                ended = []
                for _ in range(turns):
                    took, code = timed(gone, 1, bare)
                    alone['bare'].append(took)
                    wrong['bare'] += code != 0
                    began = time.perf_counter()
                    took, failed = timed(gone, 1, lambda: (ours(1), ended.append(time.perf_counter() - began))[0])
                    alone['causeway'].append(took)
                    wrong['causeway'] += failed
                four, codes = timed(gone, many, lambda: list(pool.map(lambda _: bare(), range(many))))
                wrong['bare'] += sum(code != 0 for code in codes)
                our_four, failed = timed(gone, many, lambda: ours(many))
                wrong['causeway'] += failed
                add(context, 'bare', alone['bare'], many / four, wrong['bare'])
                more = statistics.median(alone['causeway']) - statistics.median(alone['bare'])
                add(context, 'causeway', alone['causeway'], many / our_four, wrong['causeway'],
                    more_ms=more, ended_ms=statistics.median(ended) * 1000)
        finally:
            client.close()
            context.remove_containers(server)


def add(context, who, times, rate, wrong, **more):
    context.report.add('container', who, dict(more, gone_ms=statistics.median(times), four_per_s=rate * 1000),
                       {'wrong-result': wrong})
