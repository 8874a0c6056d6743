"""A crowd of hostile connections in one process, moved by one selector: each writes from a script and may read or not."""

import contextlib
import selectors
import socket
import struct
import time


class Member:
    """One connection. `script` is an iterator of bytes to send; None from it means: wait until the next round."""

    def __init__(self, address, script=None, reads=True):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.script, self.reads, self.waiting, self.idle = script, reads, b"", False
        self.closed_by_server = False


class Crowd:
    """All members; `run` moves them for some seconds."""

    def __init__(self, address, answers=True):
        """`answers` says whether whoever listens there answers."""
        self.address, self.answers, self.members, self.selector = address, answers, [], selectors.DefaultSelector()
        self.sent = self.received = self.closed = self.opened = 0

    def add(self, count, script=None, reads=True):
        for number in range(count):
            member = Member(self.address, script(number) if script else None, reads)
            self.members.append(member)
            self.opened += 1
            self.selector.register(member.socket, self._wish(member), member)
            # The listener's queue is finite, and this process does nothing else meanwhile.
            if number % 256 == 255:
                self.run(0.02)

    def _wish(self, member):
        wish = selectors.EVENT_READ if member.reads else 0
        if member.script is not None and not member.idle:
            wish |= selectors.EVENT_WRITE
        return wish or selectors.EVENT_READ

    def run(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, mask in self.selector.select(min(left, 0.05)):
                member = key.data
                try:
                    if mask & selectors.EVENT_READ and not self._read(member):
                        continue
                    if mask & selectors.EVENT_WRITE and member.script is not None:
                        self._write(member)
                except OSError:
                    self._drop(member, by_server=True)

    def _read(self, member):
        if not member.reads:
            # Nothing is taken out of the socket: only an end shows.
            if not member.socket.recv(1, socket.MSG_PEEK):
                self._drop(member, by_server=True)
            elif member.script is None or member.idle:
                self.selector.unregister(member.socket)
                member.idle = True
            return False
        read = member.socket.recv(1 << 18)
        self.received += len(read)
        if not read:
            self._drop(member, by_server=True)
        return bool(read)

    def _write(self, member):
        if not member.waiting:
            member.waiting = next(member.script, None) or b""
        if not member.waiting:
            member.script = None
            self.selector.modify(member.socket, selectors.EVENT_READ, member)
            return
        try:
            sent = member.socket.send(member.waiting)
        except BlockingIOError:
            return
        self.sent += sent
        member.waiting = member.waiting[sent:]

    def _drop(self, member, by_server=False):
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(member.socket)
        member.socket.close()
        self.closed += by_server
        with contextlib.suppress(ValueError):
            self.members.remove(member)

    def leave(self, reset=False):
        for member in list(self.members):
            if reset:
                member.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._drop(member)
