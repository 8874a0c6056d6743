"""The well-behaved neighbour, a process of its own: it submits a job, has its own worker do it, and notes how long JOB_CREATED took.

Prints one line of JSON for each line that it is given on its standard input (`go SECONDS`).
"""

import json
import sys
import time

import wire


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else None


def measure(client, worker, seconds):
    took, wrong, refused, number = [], [], 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        number += 1
        unique = b"good-%d" % number
        begin = time.perf_counter_ns()
        client.send(wire.SUBMIT_JOB, b"good", unique, b"{}")
        kind, body = client.packet()
        took.append((time.perf_counter_ns() - begin) / 1000)
        if kind == wire.ERROR:
            refused += 1
            continue
        if kind != wire.JOB_CREATED:
            wrong.append(f"packet {kind} instead of JOB_CREATED")
            break
        worker.send(wire.GRAB_JOB_UNIQ)
        handle, function, found, _ = worker.expect(wire.JOB_ASSIGN_UNIQ).split(b"\0", 3)
        if (handle, function, found) != (body, b"good", unique):
            wrong.append("another job was assigned")
        worker.send(wire.WORK_COMPLETE, handle, b"{}")
        if client.expect(wire.WORK_COMPLETE) != handle + b"\0{}":
            wrong.append("another end came")
        time.sleep(0.001)
    return {
        "samples": len(took),
        "p50_us": percentile(took, 0.5),
        "p99_us": percentile(took, 0.99),
        "max_us": max(took, default=None),
        "refused": refused,
        "wrong": wrong[:3],
    }


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    client, worker = wire.Peer((host, int(port))), wire.Peer((host, int(port)))
    worker.send(wire.CAN_DO, b"good")
    for line in sys.stdin:
        try:
            answer = measure(client, worker, float(line.split()[1]))
        except (OSError, ValueError) as error:
            answer = {"samples": 0, "wrong": [str(error)], "p50_us": None, "p99_us": None, "refused": 0}
        print(json.dumps(answer), flush=True)


main()
