"""What each kind of hostile peer does. Every scenario states the memory that it may cost, and which limits make that bound."""

import itertools
import random

import wire

MIB = 1 << 20


class Scenario:
    """A name, how many (full and short), what they do, and the bound in MiB above the server at rest, with its reason."""

    def __init__(self, name, full, short, play, bound, why):
        self.name, self.full, self.short, self.play, self.bound, self.why = name, full, short, play, bound, why


def repeat(piece):
    """The same bytes for ever, in pieces of about 64 KiB."""
    many = piece * max(1, (64 << 10) // len(piece))
    return lambda number: itertools.repeat(many)


def silent(crowd, count, seconds):
    crowd.add(count)
    crowd.run(seconds)


def stopped_readers(crowd, count, seconds):
    """Half ask for echoes and never take them, half are clients whose worker floods them with data."""
    crowd.add(count // 2, repeat(wire.packet(wire.ECHO_REQ, b"x" * 4000)), reads=False)
    if not crowd.answers:
        return crowd.run(seconds)
    address = crowd.address
    clients, worker = [], wire.Peer(address)
    worker.send(wire.CAN_DO, b"never-read")
    handles = []
    for number in range(count - count // 2):
        client = wire.Peer(address)
        client.send(wire.SUBMIT_JOB, b"never-read", b"n%d" % number, b"")
        client.expect(wire.JOB_CREATED)
        worker.send(wire.GRAB_JOB_UNIQ)
        handles.append(worker.expect(wire.JOB_ASSIGN_UNIQ).split(b"\0", 1)[0])
        clients.append(client)
    worker.socket.setblocking(False)
    data = b"".join(wire.packet(wire.WORK_DATA, handle, b"y" * 2000) for handle in handles)
    flood = Flood(worker.socket, data)
    while seconds > 0:
        flood.push()
        crowd.run(0.05)
        seconds -= 0.05
    for peer in [worker, *clients]:
        peer.close()


class Flood:
    """One socket that is always full."""

    def __init__(self, socket, data):
        self.socket, self.data, self.rest = socket, data, b""

    def push(self):
        for _ in range(50):
            self.rest = self.rest or self.data
            try:
                self.rest = self.rest[self.socket.send(self.rest) :]
            except BlockingIOError:
                return
            except OSError:
                self.data = self.rest = b""
                return


def flood_submits(crowd, count, seconds):
    crowd.add(count, repeat(wire.packet(wire.SUBMIT_JOB, b"nobody-does", b"u", b"z" * 1000)))
    crowd.run(seconds)


def flood_names(crowd, count, seconds):
    def script(number):
        for step in itertools.count():
            names = (b"n-%d-%d-%d" % (number, step, each) for each in range(500))
            yield b"".join(wire.packet(wire.CAN_DO, name) for name in names)

    crowd.add(count, script)
    crowd.run(seconds)


def flood_grabs(crowd, count, seconds):
    can_do = wire.packet(wire.CAN_DO, b"nothing-comes")
    crowd.add(count, lambda number: itertools.chain([can_do], repeat(wire.packet(wire.GRAB_JOB_UNIQ))(number)))
    crowd.run(seconds)


def flood_text(crowd, count, seconds):
    """Short questions with long answers: 3,000 names and every connection are listed for each."""
    names = b"".join(wire.packet(wire.CAN_DO, b"build:job-number-%d" % each) for each in range(3000))
    crowd.add(1, lambda number: iter([names]))
    crowd.run(0.5)
    crowd.add(count, repeat(b"status\nworkers\n"))
    crowd.run(seconds)


def half_packets(crowd, count, seconds):
    """Most of a packet that never gets whole, then a byte now and then: for hours, if one lets them."""
    head = b"\0REQ\0\0\0\x07" + (60 * MIB).to_bytes(4, "big")
    body = b"h" * (256 << 10)
    # What all of them would hold together is 50 MiB each.
    crowd.add(count, lambda number: itertools.chain([head], itertools.repeat(body, 200), itertools.repeat(b"i")))
    crowd.run(seconds)


def packet_per_byte(crowd, count, seconds):
    whole = wire.packet(wire.ECHO_REQ, b"byte by byte") + b"version\n"
    crowd.add(count, lambda number: (whole[at : at + 1] for at in itertools.cycle(range(len(whole)))))
    crowd.run(seconds)


def queued_jobs(crowd, count, seconds):
    jobs = b"".join(wire.packet(wire.SUBMIT_JOB_BG, b"backlog", b"u", b"data") for _ in range(1000))
    crowd.add(4, lambda number: itertools.repeat(jobs, count // 4000))
    crowd.run(seconds)
    while any(member.script is not None for member in crowd.members):
        crowd.run(0.2)
    crowd.run(seconds)


def registrations(crowd, count, seconds):
    functions = max(count // 450, 100)

    def script(number):
        yield b"".join(wire.packet(wire.CAN_DO, b"build:registered-%d" % each) for each in range(functions))
        yield wire.packet(wire.PRE_SLEEP)

    crowd.add(count // functions, script)
    crowd.run(seconds)


def never_ends(crowd, count, seconds):
    """Workers that take every job there is and never end one."""
    per_worker = max(count // 100, 1)
    jobs = wire.packet(wire.SUBMIT_JOB, b"taken", b"u", b"data") * per_worker
    grabs = wire.packet(wire.CAN_DO, b"taken") + wire.packet(wire.GRAB_JOB_UNIQ) * per_worker
    crowd.add(100, lambda number: iter([jobs]))
    crowd.run(seconds / 4)
    crowd.add(100, lambda number: iter([grabs]))
    crowd.run(seconds * 3 / 4)


def reconnects(crowd, count, seconds):
    """As many connections as fit, all at once, again and again; they register, ask, and are gone, half of them by a reset."""
    words = wire.packet(wire.CAN_DO, b"good") + wire.packet(wire.CAN_DO, b"own") + wire.packet(wire.PRE_SLEEP)
    rounds = 10
    for turn in range(rounds):
        crowd.add(count // rounds, lambda number: iter([words + b"\0REQ\0\0\0\x07\0\0"]))
        crowd.run(seconds / rounds)
        crowd.leave(reset=turn % 2 == 0)


def wrong_magic(crowd, count, seconds):
    """Sense, then nonsense in mid-stream; whoever is thrown out comes back."""
    chance = random.Random(7)

    def script(number):
        yield wire.packet(wire.CAN_DO, b"magic-%d" % number)
        yield wire.packet(wire.SUBMIT_JOB, b"magic-%d" % number, b"u", b"x" * chance.randrange(2000))
        yield b"\0RE" + chance.randbytes(200)

    rounds = 10
    for _ in range(rounds):
        crowd.add(count // rounds, script)
        crowd.run(seconds / rounds)


# What a connection itself costs, its task, its buffers in the queue and the kernel's books left out: 4 KiB each.
ALL = [
    Scenario("silent", 10_000, 500, silent, 60, "4 KiB a connection, max_connections of them"),
    Scenario("stopped-readers", 200, 20, stopped_readers, 1200, "all readers together: 1 GiB unsent, then the slowest is closed"),
    Scenario("flood-submits", 1_000, 50, flood_submits, 700, "max_queued_bytes (512 MiB here) and what a job costs beside its bytes"),
    Scenario("flood-names", 1_000, 20, flood_names, 400, "200,000 names in all, 20,000 a connection"),
    Scenario("flood-grabs", 1_000, 50, flood_grabs, 200, "answers wait up to 64 KiB a connection"),
    Scenario("flood-text", 1_000, 20, flood_text, 1400, "answers that wait: 1 GiB in all"),
    Scenario("half-packets", 1_000, 20, half_packets, 400, "bytes of packets that are not whole: 256 MiB in all"),
    Scenario("packet-per-byte", 1_000, 50, packet_per_byte, 60, "a cut packet is kept at its own length"),
    Scenario("million-jobs", 1_000_000, 20_000, queued_jobs, 300, "max_jobs; under 300 bytes a job"),
    Scenario("registrations", 900_000, 20_000, registrations, 200, "equal sets of names are kept once"),
    Scenario("never-ends", 100_000, 2_000, never_ends, 100, "as many jobs as were submitted"),
    Scenario("reconnects", 10_000, 500, reconnects, 60, "4 KiB a connection"),
    Scenario("wrong-magic", 5_000, 200, wrong_magic, 60, "a connection that breaks the protocol is closed"),
]
