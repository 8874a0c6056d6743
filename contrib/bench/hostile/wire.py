"""Gearman as far as the hostile peers and their well-behaved neighbour need it. Nothing but Python's own library."""

import socket
import struct

CAN_DO, PRE_SLEEP, SUBMIT_JOB, JOB_CREATED, GRAB_JOB_UNIQ, NO_JOB = 1, 4, 7, 8, 30, 10
WORK_DATA, WORK_COMPLETE, ECHO_REQ, SUBMIT_JOB_BG, ERROR, JOB_ASSIGN_UNIQ, NOOP = 28, 13, 16, 18, 19, 31, 6
WORK_FAIL = 14


def packet(kind, *arguments):
    body = b"\0".join(arguments)
    return b"\0REQ" + struct.pack(">II", kind, len(body)) + body


class Peer:
    """A blocking connection that understands what it gets."""

    def __init__(self, address, timeout=60):
        self.socket = socket.create_connection(address, timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.bytes = b""

    def send(self, kind, *arguments):
        self.socket.sendall(packet(kind, *arguments))

    def more(self):
        read = self.socket.recv(1 << 16)
        if not read:
            raise ConnectionError("the server closed the connection")
        self.bytes += read

    def packet(self):
        while len(self.bytes) < 12:
            self.more()
        magic, kind, size = self.bytes[:4], *struct.unpack(">II", self.bytes[4:12])
        if magic != b"\0RES":
            raise ValueError(f"wrong magic {magic!r}")
        while len(self.bytes) < 12 + size:
            self.more()
        body, self.bytes = self.bytes[12 : 12 + size], self.bytes[12 + size :]
        return kind, body

    def expect(self, wanted):
        while True:
            kind, body = self.packet()
            if kind == wanted:
                return body
            if kind != NOOP:
                raise ValueError(f"packet {kind} instead of {wanted}: {body[:80]!r}")

    def text(self, command):
        """The lines of an answer that ends with a dot."""
        self.socket.sendall(command + b"\n")
        while not (self.bytes == b".\n" or self.bytes.endswith(b"\n.\n")):
            self.more()
        answer, self.bytes = self.bytes, b""
        return answer.split(b"\n")[:-2]

    def close(self):
        self.socket.close()
