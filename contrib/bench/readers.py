"""perf-L2: one build to 1,000 readers, beside a plain sender; the way of a line to its readers; readers that stop.

Readers are one process of their own that takes what comes, for Causeway and for the plain sender alike."""

import multiprocessing
import os
import resource
import select
import socket
import statistics
import time

import gearman
from logs import MIB, block
from machine import cpu_seconds
from servers import Causeway, configuration

PIECE = 64 * 1024


def connect(address, request):
    reader = socket.create_connection(address)
    reader.sendall(request)
    return reader


def read_all(address, request, count, pipe):
    """Reads so many streams to their ends; tells when all are connected, then how much came, when the last byte came, and
    how long each line that carries a time took."""
    sockets = [connect(address, request) for _ in range(count)]
    poll = select.epoll()
    by_number = {}
    for reader in sockets:
        reader.setblocking(False)
        by_number[reader.fileno()] = reader
        poll.register(reader.fileno(), select.EPOLLIN)
    pipe.send(None)
    buffer = bytearray(4 * PIECE)
    total, last, delays = 0, 0.0, []
    while by_number:
        for number, _ in poll.poll():
            try:
                length = by_number[number].recv_into(buffer)
            except BlockingIOError:
                continue
            if length == 0:
                poll.unregister(number)
                by_number.pop(number).close()
                continue
            total += length
            last = time.perf_counter()
            if length < PIECE:
                note_delays(bytes(buffer[:length]), delays)
    pipe.send((total, last, delays))


def note_delays(text, delays):
    """Lines begin with the time at which they were written."""
    at = text.rfind(b'at 1')
    if at >= 0:
        word = text[at + 3:at + 20]
        if len(word) == 17:
            delays.append((time.time() - float(word)) * 1000)


class Readers:
    """A process that reads; `start` returns when all are connected."""

    def __init__(self, address, request, count):
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=read_all, args=(address, request, count, other), daemon=True)
        self.process.start()
        self.pipe.recv()

    def result(self):
        result = self.pipe.recv()
        self.process.join()
        return result


def send_plain(listener, count, path, pipe):
    """The plain sender: a file's bytes to every reader in pieces of 64 KiB, by one thread."""
    readers = []
    while len(readers) < count:
        reader, _ = listener.accept()
        reader.recv(4096)
        reader.setblocking(False)
        readers.append(reader)
    with open(path, 'rb') as file:
        text = memoryview(file.read())
    pipe.recv()
    pipe.send(time.perf_counter())
    poll = select.epoll()
    left = {reader.fileno(): [reader, 0] for reader in readers}
    for number in left:
        poll.register(number, select.EPOLLOUT)
    while left:
        for number, _ in poll.poll():
            place = left[number]
            try:
                place[1] += place[0].send(text[place[1]:place[1] + PIECE])
            except BlockingIOError:
                continue
            if place[1] == len(text):
                poll.unregister(number)
                left.pop(number)[0].close()
    pipe.send(sum(os.times()[:2]))


def plain(path, count):
    """MiB a second that a plain sender brings to the readers, and its processor time for each MiB."""
    listener = socket.create_server(('127.0.0.1', 0), backlog=count)
    pipe, other = multiprocessing.Pipe()
    sender = multiprocessing.Process(target=send_plain, args=(listener, count, path, other), daemon=True)
    sender.start()
    readers = Readers(listener.getsockname(), b'please\n', count)
    pipe.send(None)
    began = pipe.recv()
    total, last, _ = readers.result()
    spent = pipe.recv()
    sender.join()
    listener.close()
    size = count * os.path.getsize(path)
    return total / MIB / (last - began), spent / (total / MIB) * 1000, {'wrong-length': int(total != size)}


def request(server, build):
    return ('GET /causeway/v1/builds/%s/log?follow=true HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n'
            % (build, server.http)).encode()


def ours(server, client, path, count):
    """The same from a build whose whole log is written before the readers come, held open by its end."""
    client.submit('bench-hold', 'hold', {'BLOCK': path})
    url = client.data()['url']
    build = server.build_id(url)
    host, port = server.http.split(':')
    gate = path + '.gate'
    readers = Readers((host, int(port)), request(server, build), count)
    before, began = cpu_seconds(server.pid), time.perf_counter()
    open(gate, 'w').close()
    word = client.result()
    total, last, _ = readers.result()
    spent = cpu_seconds(server.pid) - before
    os.remove(gate)
    size = count * os.path.getsize(path)
    return total / MIB / (last - began), spent / (total / MIB) * 1000, {
        'wrong-result': int(word != 'SUCCESS'), 'wrong-length': int(total < size)}


def lines(server, client, count, times):
    """Milliseconds from a line to its readers, 99th percentile; the build writes a line each 100 ms."""
    client.submit('bench-lines', 'lines', {'TIMES': str(times), 'PAUSE': '0.1', 'WIDTH': '100'})
    build = server.build_id(client.data()['url'])
    host, port = server.http.split(':')
    readers = Readers((host, int(port)), request(server, build), count)
    word = client.result()
    _, _, delays = readers.result()
    # What was written before a reader came does not count: the slowest tenth of the first look is left out by time.
    delays = sorted(delays[count * 2:])
    return delays, {'wrong-result': int(word != 'SUCCESS'), 'no-lines': int(len(delays) < count)}


def stopped(server, client, path, readers, times):
    """Seconds that a build needs for its log while so many readers have stopped reading."""
    began = time.perf_counter()
    client.submit('bench-log', 'stopped', {'BLOCK': path, 'TIMES': str(times), 'PAUSE': ''})
    build = server.build_id(client.data()['url'])
    host, port = server.http.split(':')
    held = [connect((host, int(port)), request(server, build)) for _ in range(readers)]
    word = client.result()
    took = time.perf_counter() - began
    for reader in held:
        reader.close()
    return took, int(word != 'SUCCESS')


def run(context):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count, times = (20, 20) if context.short else (1000, 60)
    path = block(context)
    with Causeway(context.program, context.place('readers'), configuration('process', 4, stock=2)) as server:
        client = gearman.Client(server.gearman)
        for _ in range(context.rounds):
            rate, spent, wrong = plain(path, count)
            context.report.add('readers', 'plain', {'mib_per_s': rate, 'cpu_ms_per_mib': spent}, wrong)
            server.wait_stock(2)
            rate, spent, wrong = ours(server, client, path, count)
            figures = {'mib_per_s': rate, 'cpu_ms_per_mib': spent}
            delays, more = lines(server, client, count, times)
            figures.update(line_p50_ms=statistics.median(delays), line_p99_ms=delays[len(delays) * 99 // 100])
            wrong.update(more)
            context.report.add('readers', 'causeway', figures, wrong)
            alone, stalled, failed = [], [], 0
            for _ in range(1 if context.short else 5):
                for held, into in ((0, alone), (20, stalled)):
                    server.wait_stock(2)
                    took, bad = stopped(server, client, path, held, 2 if context.short else 60)
                    into.append(took)
                    failed += bad
            context.report.add('readers stop', 'none', {'build_s': statistics.median(alone)})
            context.report.add('readers stop', 'causeway', {'build_s': statistics.median(stalled)},
                               {'wrong-result': failed})
        client.close()
