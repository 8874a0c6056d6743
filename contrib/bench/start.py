"""perf-R1: from the start of the process to its first JOB_CREATED, empty and with a full store, beside gearmand."""

import os
import shutil
import subprocess
import time

import gearman
from servers import Causeway, Gearmand, configuration, free_port

FULL = {'nodes': 5000, 'builds': 500, 'records': 100000}
FULL_SHORT = {'nodes': 20, 'builds': 10, 'records': 100}


def first_created(start, port):
    """Milliseconds until a job is taken, by a client that tries from the first moment on."""
    began = time.perf_counter()
    with start() as server:
        while True:
            try:
                client = gearman.Client(('127.0.0.1', port))
                break
            except ConnectionRefusedError:
                if server.process.poll() is not None:
                    raise RuntimeError('the server ended')
                time.sleep(0.0002)
        client.send(gearman.SUBMIT_JOB_BG, b'bench', b'', b'')
        kind, _ = client.receive()
        took = (time.perf_counter() - began) * 1000
        client.close()
    return took, {'unexpected-packet': int(kind != gearman.JOB_CREATED)}


def fill(context):
    """A state directory with many nodes, unfinished builds and records, made once by the store's own code."""
    size = FULL_SHORT if context.short else FULL
    full = os.path.join(context.folder, 'full')
    if not os.path.exists(full):
        began = time.monotonic()
        subprocess.run([context.store_program, os.path.join(full, 'state')] +
                       [str(size[name]) for name in ('nodes', 'builds', 'records')], check=True)
        context.note('the full store took %.1f s to make' % (time.monotonic() - began))
    return full


def run(context):
    full = fill(context) if context.store_program else None
    # The provider of the stored nodes is not there, so that what is measured is the start and not their removal.
    config = configuration('process', 4)
    for _ in range(context.rounds):
        for peer in ('gearmand', 'causeway'):
            port = free_port()
            folder = context.place('start')
            if peer == 'gearmand':
                took, wrong = first_created(lambda: Gearmand(folder, port), port)
            else:
                took, wrong = first_created(
                    lambda: Causeway(context.program, folder, port=port, ready=False), port)
            context.report.add('start empty', peer, {'first_created_ms': took}, wrong)
            if peer == 'gearmand':
                context.report.add('start full', peer, {'first_created_ms': took}, wrong)
        if full:
            folder = context.place('full')
            shutil.rmtree(folder)
            shutil.copytree(full, folder)
            port = free_port()
            took, wrong = first_created(
                lambda: Causeway(context.program, folder, config, port=port, ready=False), port)
            context.report.add('start full', 'causeway', {'first_created_ms': took}, wrong)
