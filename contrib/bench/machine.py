"""What the kernel says about processes: processor time, memory, who belongs to a folder."""

import glob
import os
import platform

TICK = os.sysconf('SC_CLK_TCK')


def cpu_seconds(pid):
    """User and kernel time of a process and of the children that it has waited for."""
    with open('/proc/%d/stat' % pid) as file:
        fields = file.read().rpartition(')')[2].split()
    return sum(int(field) for field in fields[11:15]) / TICK


def resident_kib(pid):
    with open('/proc/%d/status' % pid) as file:
        for line in file:
            if line.startswith('VmRSS:'):
                return int(line.split()[1])
    raise ProcessLookupError(pid)


def private_kib(pid):
    """What would be free without this process: pages that nobody else maps."""
    with open('/proc/%d/smaps_rollup' % pid) as file:
        lines = [line.split() for line in file]
    return sum(int(words[1]) for words in lines if words[0] in ('Private_Clean:', 'Private_Dirty:'))


def keepers(folder):
    """The keepers of nodes below a folder, as process ids."""
    found = []
    for path in glob.glob('/proc/[0-9]*/cmdline'):
        try:
            with open(path, 'rb') as file:
                words = file.read().split(b'\0')
        except OSError:
            continue
        if b'keeper' in words and b'run' in words and any(os.fsencode(folder) in word for word in words):
            found.append(int(path.split('/')[2]))
    return found


def description():
    """The machine in a few words, for the table."""
    model = platform.machine()
    with open('/proc/cpuinfo') as file:
        for line in file:
            if line.startswith('model name'):
                model = line.split(':', 1)[1].strip()
                break
    with open('/proc/meminfo') as file:
        memory = int(file.readline().split()[1]) / (1 << 20)
    return '%d cores (%s), %.0f GiB, Linux %s' % (os.cpu_count(), model, memory, platform.release())
