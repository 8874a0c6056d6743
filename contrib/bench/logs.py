"""perf-L1: many builds that write 1 MiB of log a second each, beside `cat > file` with the same input.

What counts is processor time for each MiB: of Causeway and its keepers together, and of cat. Every byte is looked for."""

import json
import os
import subprocess
import threading

import gearman
import machine
from servers import HERE, Causeway, configuration

MIB = 1 << 20


def block(context):
    """1 MiB of numbered lines."""
    path = os.path.join(context.folder, 'block')
    if not os.path.exists(path):
        with open(path, 'w') as file:
            for number in range(MIB // 64):
                file.write('line %08d of a log that is written at one MiB a second %s\n' % (number, '.'))
            file.truncate(MIB)
    return path


def script(job):
    """A job's script, from the YAML."""
    with open(os.path.join(HERE, 'jobs', 'bench.yaml')) as file:
        text = file.read().split('name: ' + job, 1)[1].split('- shell: |\n', 1)[1]
    lines = []
    for line in text.split('\n'):
        if line.strip() and not line.startswith(' ' * 10):
            break
        lines.append(line[10:])
    return '\n'.join(lines)


def cat(context, path, count, seconds):
    """Processor seconds of so many `cat > file`."""
    folder = context.place('cat')
    environment = dict(os.environ, BLOCK=path, TIMES=str(seconds), PAUSE='1')
    text, running = script('bench-log'), []
    for number in range(count):
        writer = subprocess.Popen(['/bin/bash', '-c', text], env=environment, stdout=subprocess.PIPE,
                                  stdin=subprocess.DEVNULL)
        with open(os.path.join(folder, str(number)), 'wb') as file:
            reader = subprocess.Popen(['/bin/cat'], stdin=writer.stdout, stdout=file)
        writer.stdout.close()
        running.append((writer, reader))
    spent = 0
    for writer, reader in running:
        _, _, used = os.wait4(reader.pid, 0)
        reader.returncode = 0
        spent += used.ru_utime + used.ru_stime
        writer.wait()
    wrong = sum(os.path.getsize(os.path.join(folder, name)) != seconds * MIB for name in os.listdir(folder))
    subprocess.run(['rm', '-rf', folder], check=True)
    return spent, {'wrong-length': wrong}


def ours(context, path, count, seconds):
    """Processor seconds of Causeway and of its keepers."""
    config = configuration('process', count, stock=count, at_once=16)
    with Causeway(context.program, context.place('logs'), config) as server:
        server.wait_stock(count)
        meter = Meter([server.pid] + machine.keepers(server.folder))
        client = gearman.Client(server.gearman)
        parameters = {'BLOCK': path, 'TIMES': str(seconds), 'PAUSE': '1'}
        for number in range(count):
            client.submit('bench-log', 'log-%d' % number, parameters)
        words, urls = [], []
        while len(words) < count:
            kind, arguments = client.until(gearman.WORK_DATA, gearman.WORK_COMPLETE)
            said = json.loads(arguments[1])
            if kind == gearman.WORK_DATA:
                urls.append(said['url'])
            else:
                words.append(said['result'])
        spent = meter.stop()
        client.close()
        with open(path, 'rb') as file:
            text = file.read()
        wrong = {'wrong-result': sum(word != 'SUCCESS' for word in words), 'wrong-bytes': 0}
        for url in urls:
            wrong['wrong-bytes'] += text * seconds not in server.get(url[url.index('/job/'):] + 'consoleText')
        return spent.pop(server.pid), sum(spent.values()), wrong


class Meter:
    """Processor time of processes, read as long as they are there: a keeper goes with its build's node."""

    def __init__(self, pids):
        self.first = {pid: own(pid) for pid in pids}
        self.last = dict(self.first)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.over.wait(0.05):
            self.look()

    def look(self):
        for pid in self.last:
            try:
                self.last[pid] = own(pid)
            except OSError:
                # It has ended; its last reading counts.
                pass

    def stop(self):
        self.over.set()
        self.thread.join()
        self.look()
        return {pid: self.last[pid] - self.first[pid] for pid in self.last}


def own(pid):
    """Processor time of a process alone: what its steps take is theirs."""
    with open('/proc/%d/stat' % pid) as file:
        fields = file.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / machine.TICK


def run(context):
    count, seconds = (5, 1) if context.short else (200, 4)
    path, mib = block(context), count * seconds
    for _ in range(context.rounds):
        spent, wrong = cat(context, path, count, seconds)
        context.report.add('logs', 'cat', {'cpu_ms_per_mib': spent / mib * 1000}, wrong)
        server, keepers, wrong = ours(context, path, count, seconds)
        context.report.add('logs', 'causeway', {
            'cpu_ms_per_mib': (server + keepers) / mib * 1000, 'server_cpu_ms_per_mib': server / mib * 1000,
            'keeper_cpu_ms_per_mib': keepers / mib * 1000}, wrong)
