"""perf-D2: from a build's submission to its first byte of output, its node being in stock, beside `docker run`."""

import statistics
import subprocess
import time

import gearman
from servers import IMAGE, Causeway, configuration

MARK = b'the first byte'
STOCK = 3


def causeway_once(server, client, number):
    """Milliseconds to WORK_DATA, and to the first byte at a reader that follows the build."""
    connection = server.connection()
    connection.connect()
    began = time.perf_counter()
    client.send(gearman.SUBMIT_JOB, b'build:bench-say', b'say-%d' % number, b'{}')
    kind, _ = client.receive()
    wrong = {'unexpected-packet': int(kind != gearman.JOB_CREATED)}
    url = client.data()['url']
    told = time.perf_counter()
    build = server.build_id(url)
    connection.request('GET', '/causeway/v1/builds/%s/log?follow=true' % build)
    answer = connection.getresponse()
    text = b''
    while MARK not in text:
        piece = answer.read1(65536)
        if not piece:
            wrong['wrong-output'] = 1
            break
        text += piece
    seen = time.perf_counter()
    if client.result() != 'SUCCESS':
        wrong['wrong-result'] = 1
    connection.close()
    return (told - began) * 1000, (seen - began) * 1000, wrong


def docker_once(engine, image):
    """Milliseconds to the first byte of `docker run`."""
    began = time.perf_counter()
    process = subprocess.Popen(['/usr/bin/docker', '-H', engine.host, 'run', '--rm', '--network', 'none', image,
                                'echo', MARK.decode()], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    first = process.stdout.read(1)
    seen = time.perf_counter()
    rest = process.communicate()[0]
    return (seen - began) * 1000, {'wrong-output': int((first + rest).strip() != MARK)}


def run(context):
    engine = context.engine()
    turns = 2 if context.short else 8
    config = configuration(engine.host, 8, STOCK)
    with Causeway(context.program, context.place('output'), config) as server:
        client = gearman.Client(server.gearman)
        try:
            for turn in range(context.rounds):
                ours, bare = [], []
                for number in range(turns):
                    bare.append(docker_once(engine, IMAGE))
                    server.wait_stock(STOCK)
                    ours.append(causeway_once(server, client, turn * turns + number))
                context.report.add('output', 'docker run', {
                    'first_byte_ms': statistics.median(once[0] for once in bare)}, total(bare))
                context.report.add('output', 'causeway', {
                    'work_data_ms': statistics.median(once[0] for once in ours),
                    'first_byte_ms': statistics.median(once[1] for once in ours),
                    'first_byte_max_ms': max(once[1] for once in ours)}, total(ours))
        finally:
            client.close()
            context.remove_containers(server)


def total(runs):
    wrong = {}
    for once in runs:
        for kind, count in once[-1].items():
            wrong[kind] = wrong.get(kind, 0) + count
    return wrong
