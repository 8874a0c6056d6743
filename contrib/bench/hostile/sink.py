"""Takes every connection, reads all that comes and throws it away: what the hostile peers are played against to see what they
cost the machine, and not a server. Prints the port that it listens on, and ends with its standard input."""

import selectors
import socket
import sys

READ = 1 << 18


def main():
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.setblocking(False)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print(listener.getsockname()[1], flush=True)
    room = bytearray(READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                return
            if key.fileobj is listener:
                peer, _ = listener.accept()
                peer.setblocking(False)
                selector.register(peer, selectors.EVENT_READ)
                continue
            try:
                read = key.fileobj.recv_into(room)
            except BlockingIOError:
                continue
            except OSError:
                read = 0
            if not read:
                selector.unregister(key.fileobj)
                key.fileobj.close()


main()
