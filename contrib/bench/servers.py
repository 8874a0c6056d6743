"""The programs that are measured: Causeway, gearmand, a Docker Engine; each ends with its block."""

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

import machine

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
IMAGE = 'causeway-bench/busybox:local'
# Nothing here takes longer; a debug build on a busy machine.
LIMIT = 120


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def wait_for(what, condition, pause=0.005, limit=LIMIT):
    """The first true value of a condition."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError('never: ' + what)
        time.sleep(pause)


class Process:
    """A process that is killed at the end of the block."""

    def __init__(self, arguments, log, **options):
        self.log = open(log, 'ab')
        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stderr=self.log, **options)
        self.pid = self.process.pid

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()


class Causeway(Process):
    """`causeway serve` with a configuration, on ports that the kernel chooses unless one is given."""

    def __init__(self, program, folder, config='', port=0, ready=True):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        arguments = [program, 'serve', '--json', '--state', os.path.join(folder, 'state'),
                     '--gearman', '127.0.0.1:%d' % port, '--http', '127.0.0.1:0']
        if config:
            path = os.path.join(folder, 'causeway.yaml')
            with open(path, 'w') as file:
                file.write(config)
            arguments += ['--config', path]
        super().__init__(arguments, os.path.join(folder, 'log'), stdout=subprocess.PIPE,
                         env=dict(os.environ, RUST_LOG=os.environ.get('CAUSEWAY_BENCH_LOG', 'warn')))
        self.gearman = ('127.0.0.1', port)
        if ready:
            self.wait_ready()

    def wait_ready(self):
        line = self.process.stdout.readline()
        if not line:
            with open(os.path.join(self.folder, 'log')) as file:
                raise RuntimeError('causeway did not start: ' + file.read())
        ready = json.loads(line)
        host, port = ready['gearman'].rsplit(':', 1)
        self.gearman, self.http = (host, int(port)), urllib.parse.urlsplit(ready['http']).netloc

    def connection(self):
        return http.client.HTTPConnection(self.http, timeout=LIMIT)

    def get(self, path):
        connection = self.connection()
        try:
            connection.request('GET', path)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError('%s: %d' % (path, answer.status))
            return body
        finally:
            connection.close()

    def json(self, path):
        return json.loads(self.get('/causeway/v1' + path))

    def build_id(self, url):
        """The id of the build whose page this is."""
        *_, job, number = urllib.parse.urlsplit(url).path.strip('/').split('/')
        return self.json('/builds?job=%s&number=%s' % (job, number))['builds'][0]['id']

    def wait_stock(self, count):
        """Waits until so many nodes are ready and nothing else happens to nodes."""
        def stocked():
            states = [node['state'] for node in self.json('/nodes')['nodes']]
            return states == ['ready'] * count
        wait_for('a stock of %d nodes' % count, stocked, 0.02)

    def wait_ready_pool(self):
        """Waits until the provider has answered."""
        wait_for('a healthy provider', lambda: self.json('/status')['ready'], 0.02)

    def stop(self):
        """Kills it and everything that lives on its nodes of provider `process`."""
        if self.process.poll() is None:
            self.kill()
        self.process.stdout.close()
        for pid in machine.keepers(self.folder):
            for victim in descendants(pid) + [pid]:
                try:
                    os.kill(victim, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def __exit__(self, *_):
        self.stop()


def descendants(pid):
    found = []
    try:
        with open('/proc/%d/task/%d/children' % (pid, pid)) as file:
            children = [int(word) for word in file.read().split()]
    except OSError:
        return found
    for child in children:
        found += descendants(child) + [child]
    return found


class Gearmand(Process):
    """Debian's gearmand with one I/O thread, its fastest setting."""

    def __init__(self, folder, port):
        os.makedirs(folder, exist_ok=True)
        log = os.path.join(folder, 'gearmand.log')
        super().__init__(['/usr/sbin/gearmand', '-L', '127.0.0.1', '-p', str(port), '-t', '1', '-l', 'stderr',
                          '-P', os.path.join(folder, 'gearmand.pid'), '--verbose', 'ERROR'],
                         log, stdout=subprocess.DEVNULL)


def configuration(driver, max_nodes, stock=0, jobs=None, own='*', extra='', at_once=4):
    """Causeway's configuration with one provider and one label."""
    image = '' if driver == 'process' else ', image: "%s", pull: never' % IMAGE
    engine = '' if driver == 'process' else ', engine: "%s"' % driver
    kind = 'process' if driver == 'process' else 'docker'
    return '''
catalog: {jjb: ['%s'], own: ['%s']}
providers: [{name: here, driver: %s%s, max_nodes: %d, launches_at_once: %d}]
pools: [{name: main, provider: here, labels: [{name: bench, min_ready: %d%s}]}]
%s
''' % (jobs or os.path.join(HERE, 'jobs'), own, kind, engine, max_nodes, at_once, stock, image, extra)


class Engine:
    """A Docker Engine of its own with an image that holds only busybox; one that DOCKER_HOST names is used instead."""

    def __init__(self):
        self.folder = None
        self.host = os.environ.get('DOCKER_HOST', '')

    def __enter__(self):
        if not self.host:
            # A short path: sockets lie below it.
            self.folder = tempfile.mkdtemp(prefix='cwb', dir='/tmp')
            self.host = self.script('start')
        self.import_busybox()
        return self

    def __exit__(self, *_):
        if self.folder:
            self.script('stop')
            subprocess.run(['rm', '-rf', self.folder], check=False)

    def script(self, verb):
        script = os.path.join(REPOSITORY, 'contrib', 'ci', 'dockerd')
        return subprocess.run([script, verb, self.folder], check=True, stdout=subprocess.PIPE,
                              text=True).stdout.strip()

    def docker(self, *arguments, **options):
        environment = dict(os.environ, DOCKER_CONFIG='/nonexistent')
        return subprocess.run(['/usr/bin/docker', '-H', self.host, *arguments], env=environment, **options)

    def import_busybox(self):
        known = self.docker('image', 'inspect', IMAGE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if known.returncode == 0:
            return
        with tempfile.TemporaryDirectory() as root:
            for name in ('bin', 'tmp', 'etc', 'root', 'proc', 'sys', 'dev'):
                os.mkdir(os.path.join(root, name))
            script = 'cp /bin/busybox bin/; for n in $(bin/busybox --list); do ' \
                     '[ $n = busybox ] || ln -s busybox bin/$n; done'
            subprocess.run(['sh', '-c', script], cwd=root, check=True)
            tree = subprocess.run(['tar', '-C', root, '-c', '.'], check=True, stdout=subprocess.PIPE).stdout
        self.docker('import', '-', IMAGE, input=tree, stdout=subprocess.DEVNULL, check=True)

    def connection(self):
        return EngineConnection(self.host)


class EngineConnection(http.client.HTTPConnection):
    """The Engine API, bare."""

    def __init__(self, host):
        super().__init__('docker', timeout=LIMIT)
        self.path = host.removeprefix('unix://')

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(LIMIT)
        self.sock.connect(self.path)

    def call(self, method, path, body=None):
        headers = {'Content-Type': 'application/json'}
        self.request(method, '/v1.41' + path, json.dumps(body) if body is not None else None, headers)
        answer = self.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError('%s %s: %d %s' % (method, path, answer.status, text[:200]))
        return json.loads(text) if text.strip() else None
