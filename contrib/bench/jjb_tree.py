#!/usr/bin/env python3
"""Write a large tree of Job Builder YAML that both dialects read the same: `jjb_tree.py FOLDER [JOBS]`.

One defaults set, 40 macros (some call others, some render Jinja2), 8 templates with two axes, and as many projects as the
jobs need: 60 jobs a project. The same number gives the same bytes.
"""

import os
import sys

TEMPLATES, COMPONENTS, FLAVOURS = 4, 5, 3
PER_PROJECT = TEMPLATES * COMPONENTS * FLAVOURS
MACROS = 40


def macros():
    yield '- defaults:\n    name: global\n    node: linux\n    concurrent: true\n    timeout: 30\n'
    for number in range(MACROS):
        yield '- builder:\n    name: step-%d\n    builders:\n' % number
        if number % 4 == 3:
            yield '      - step-%d:\n          tool: \'{tool}\'\n          where: \'{where}/%d\'\n' % (number - 1, number)
        if number % 10 == 9:
            yield ('      - shell: !j2: |\n          #!/bin/sh -e\n          {%% for item in [1, 2, 3] %%}\n'
                   '          {{ tool }} --part {{ item }} {{ where }} # %d\n          {%% endfor %%}\n' % number)
        else:
            yield '      - shell: |\n          #!/bin/bash -eu\n          set -o pipefail\n'
            for line in range(4 + number % 7):
                yield '          {tool} run --number %d --line %d "{where}" "${{WORKSPACE}}"\n' % (number, line)
    yield ('- publisher:\n    name: keep\n    publishers:\n      - archive:\n          artifacts: \'{files}\'\n'
           '          allow-empty: true\n')
    yield ('- wrapper:\n    name: limits\n    wrappers:\n      - timeout:\n          timeout: \'{minutes}\'\n'
           '          fail: true\n      - timestamps\n')


def template(number):
    yield '- job-template:\n    name: \'{name}-{component}-{flavour}-%d\'\n' % number
    yield '    node: \'{node|linux}\'\n    description: \'Job %d of {component}\'\n    concurrent: true\n' % number
    yield '    parameters:\n'
    for name in ('ZUUL_REF', 'ZUUL_COMMIT', 'ZUUL_PROJECT', 'ZUUL_URL'):
        yield '      - string:\n          name: %s\n          default: \'\'\n' % name
    yield '    wrappers:\n      - limits:\n          minutes: \'{minutes}\'\n    builders:\n'
    for step in range(6):
        macro = (number * 5 + step * 3) % MACROS
        yield '      - step-%d:\n          tool: \'{tool}\'\n          where: \'src/{component}\'\n' % macro
    yield '      - shell: \'{tool} finish {flavour}\'\n'
    yield '    publishers:\n      - keep:\n          files: \'log/{component}/*.txt\'\n'


def project(number):
    yield '- project:\n    name: project-%d\n    tool: tool-%d\n    minutes: %d\n' % (number, number % 12, 10 + number % 5)
    yield '    component:\n'
    for component in range(COMPONENTS):
        yield '      - part-%d\n' % component
    yield '    flavour:\n      - quick\n      - full:\n          minutes: 90\n      - nightly\n'
    yield '    jobs:\n'
    for offset in range(TEMPLATES):
        yield '      - \'{name}-{component}-{flavour}-%d\'\n' % ((number + offset) % 8)


def write(folder, jobs=12000):
    """Writes the tree; gives the number of its jobs."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'macros.yaml'), 'w') as file:
        file.write(''.join(macros()))
    with open(os.path.join(folder, 'templates.yaml'), 'w') as file:
        file.write(''.join(''.join(template(number)) for number in range(8)))
    projects = max(1, jobs // PER_PROJECT)
    for start in range(0, projects, 10):
        with open(os.path.join(folder, 'projects-%03d.yaml' % (start // 10)), 'w') as file:
            for number in range(start, min(start + 10, projects)):
                file.write(''.join(project(number)))
    return projects * PER_PROJECT


if __name__ == '__main__':
    print(write(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 12000))
