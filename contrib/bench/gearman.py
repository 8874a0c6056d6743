"""A Gearman client: submits jobs and reads what becomes of them."""

import collections
import json
import socket
import struct

JOB_CREATED, WORK_STATUS, WORK_COMPLETE, WORK_FAIL, WORK_DATA = 8, 12, 13, 14, 28
SUBMIT_JOB, SUBMIT_JOB_BG = 7, 18


class Client:
    """One connection."""

    def __init__(self, address, timeout=120):
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b''
        # What earlier builds said while a later one was submitted.
        self.early = collections.deque()

    def close(self):
        self.socket.close()

    def send(self, kind, *arguments):
        body = b'\0'.join(arguments)
        self.socket.sendall(struct.pack('>4sII', b'\0REQ', kind, len(body)) + body)

    def receive(self):
        """The next packet: its kind and its arguments."""
        while len(self.buffer) < 12 or len(self.buffer) < 12 + struct.unpack_from('>I', self.buffer, 8)[0]:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError('the server closed the connection')
            self.buffer += piece
        kind, length = struct.unpack_from('>II', self.buffer, 4)
        body, self.buffer = self.buffer[12:12 + length], self.buffer[12 + length:]
        return kind, body.split(b'\0', 1)

    def until(self, *wanted):
        """The next packet of one of these kinds; others that belong to a running job are passed over."""
        while True:
            kind, arguments = self.early.popleft() if self.early else self.receive()
            if kind in wanted:
                return kind, arguments
            if kind == WORK_FAIL:
                raise RuntimeError('a job failed')

    def submit(self, job, unique, parameters=None):
        """Submits a build; its handle."""
        data = json.dumps(parameters or {}).encode()
        self.send(SUBMIT_JOB, b'build:' + job.encode(), unique.encode(), data)
        while True:
            packet = self.receive()
            if packet[0] == JOB_CREATED:
                return packet[1][0]
            self.early.append(packet)

    def data(self):
        """The next WORK_DATA, read."""
        return json.loads(self.until(WORK_DATA)[1][1])

    def result(self):
        """The word at the next WORK_COMPLETE."""
        return json.loads(self.until(WORK_COMPLETE)[1][1])['result']


def builds(client, job, count, parameters=None):
    """Submits builds and waits for them all; how many had another end than SUCCESS."""
    for number in range(count):
        client.submit(job, '%s-%d' % (job, number), parameters)
    return sum(client.result() != 'SUCCESS' for _ in range(count))
