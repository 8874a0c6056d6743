#!/usr/bin/env python3
"""Render a table of Jinja2 expressions with the real Job Builder and with ours, and say which differ.

    venv-jjb/bin/python contrib/parity/jinja_table.py --oracle SHARED/harness/jjb_oracle.py --reader target/debug/causeway

`KNOWN` are the differences that contrib/docs/jjb.md tells of; one more or one less is a failure.
"""

import argparse
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from original import Original
from ours import Ours

FLAGS = {"allow_duplicates": False, "allow_empty_variables": False, "keep_descriptions": False, "retain_anchors": False}
VALUES = "s: aBc-d, n: 7, m: -7, f: 2.5, g: 1.0, t: yes, z: null, e: '', l: [b, a, 3, true], w: [b, a, c], d: {k: v, j: 2}, ll: [[1, 2], [3]], ld: [{x: 1, y: q}, {x: 2, y: p}], h: '<a>&', u: 'äß'"

EXPRESSIONS = """
{{ t }} {{ z }} {{ f }} {{ g }} {{ n }} {{ l }} {{ d }} {{ ld }} {{ [t, z, g] }} {{ {'a': t} }} {{ (1, 'a') }} {{ (1,) }}
{{ t ~ z }}
{{ s ~ n ~ f }}
{{ l ~ '' }}
{{ s + 'x' }}
{{ n + 1 }} {{ n - 1 }} {{ n * 2 }} {{ n / 2 }} {{ n // 2 }} {{ n % 4 }} {{ n ** 2 }} {{ m // 2 }} {{ m % 4 }} {{ 6 / 2 }}
{{ f + n }} {{ f * 2 }} {{ g + 1 }} {{ 2 ** 0.5 }} {{ 2 ** -1 }} {{ 7 // 2.0 }} {{ 7.5 % 2 }}
{{ 1e3 }} {{ 1.5e300 }} {{ 0.1 + 0.2 }} {{ 1 / 3 }} {{ 100000000000000000000 }} {{ 2 ** 70 }}
{{ s * 2 }}
{{ w + l }}
{{ w * 2 }}
{{ '%s' % s }} {{ '%d-%03d' % (n, n) }} {{ '%.1f' % f }} {{ '%5s|%-5s|' % ('a', 'b') }} {{ '%r' % s }} {{ '%x' % 255 }}
{{ s % 1 }}
{{ n == 7.0 }} {{ t == 1 }} {{ '1' == 1 }} {{ w == ['b', 'a', 'c'] }} {{ n > 3 }} {{ 1 < 2 < 3 }} {{ s < 'b' }}
{{ n > s }}
{{ w < l }}
{{ 'a' in w }} {{ 'B' in s }} {{ 'k' in d }} {{ 5 not in l }} {{ true in l }}
{{ t and n }} {{ z or s }} {{ not e }} {{ e or 'x' }} {{ n if t else z }} {{ '' if t }}
{{ s[0] }} {{ s[-1] }} {{ s[1:3] }} {{ s[::-1] }} {{ w[0] }} {{ w[-1] }} {{ w[1:] }} {{ d['k'] }} {{ d.k }} {{ ll[0][1] }}
{{ w[9] }}
{{ d.lost }}
{{ d.lost|default('x') }} {{ lost|default('y') }} {{ e|default('q') }} {{ e|default('q', true) }} {{ z|default('q') }} {{ z|d('q', true) }}
{{ lost }}
{{ lost is defined }} {{ s is defined }} {{ lost is undefined }} {{ z is none }} {{ s is string }} {{ n is string }} {{ d is mapping }} {{ w is mapping }}
{{ w is sequence }} {{ s is sequence }} {{ d is sequence }} {{ w is iterable }} {{ n is iterable }} {{ n is number }} {{ t is number }} {{ f is float }} {{ n is integer }} {{ t is integer }} {{ t is boolean }} {{ t is true }} {{ t is false }}
{{ n is odd }} {{ n is even }} {{ n is divisibleby 7 }} {{ s is lower }} {{ s is upper }} {{ n is sameas n }} {{ n is eq 7 }} {{ n is gt 3 }} {{ 'a' is in w }} {{ n is ne 3 }}
{{ s is callable }} {{ 'upper' is filter }} {{ 'odd' is test }} {{ s is escaped }}
{{ s|upper }} {{ s|lower }} {{ s|title }} {{ s|capitalize }} {{ u|upper }} {{ t|upper }} {{ t|lower }} {{ z|upper }}
{{ 'it\\'s a-b c_d'|title }} {{ 'ab CD'|capitalize }} {{ 'a b  c'|wordcount }}
{{ s|length }} {{ w|count }} {{ d|length }}
{{ n|length }}
{{ s|replace('a', 'x') }} {{ 'aaa'|replace('a', 'b', 2) }} {{ n|replace('7', '8') }} {{ t|replace('T', 'x') }}
{{ s|trim }} {{ ' a '|trim }} {{ 'xax'|trim('x') }} {{ t|trim }}
{{ w|join }} {{ w|join(',') }} {{ l|join('-') }} {{ d|join(',') }} {{ ld|join(',', attribute='x') }} {{ [t, z, g]|join(' ') }}
{{ w|first }} {{ w|last }} {{ s|first }} {{ d|first }}
{{ []|first }}
{{ w|sort }} {{ w|sort(reverse=true) }} {{ ['b', 'A', 'c']|sort }} {{ ['b', 'A', 'c']|sort(case_sensitive=true) }} {{ ld|sort(attribute='y') }} {{ [3, 1]|sort }}
{{ l|sort }}
{{ [1, 1, 2]|unique|list }} {{ ['a', 'A']|unique|list }} {{ ['a', 'A']|unique(case_sensitive=true)|list }}
{{ w|reverse|list }} {{ s|reverse }} {{ w|list }} {{ s|list }} {{ d|list }} {{ [1, 2, 3]|sum }} {{ ld|sum(attribute='x') }} {{ [1, 5]|max }} {{ [1, 5]|min }} {{ w|max }}
{{ w|map('upper')|list }} {{ ld|map(attribute='y')|join(',') }} {{ ld|map(attribute='q', default='z')|list }} {{ w|map('replace', 'a', 'z')|list }}
{{ w|map('upper') }}
{{ [1, 2, 3]|select('odd')|list }} {{ [0, 1, '']|select|list }} {{ [1, 2]|reject('odd')|list }} {{ ld|selectattr('x', 'eq', 1)|list }} {{ ld|rejectattr('x', 'gt', 1)|map(attribute='y')|list }} {{ ld|selectattr('y')|list|length }}
{{ d|dictsort }} {{ d|items|list }} {{ d|dictsort(by='value')|list }}
{{ {'b': 1, 'a': 2}|dictsort }} {{ {'b': 1, 'a': 2}|dictsort(false, 'value') }} {{ {'b': 1, 'a': 2}|dictsort(reverse=true) }}
{{ w|batch(2)|list }} {{ w|slice(2)|list }} {{ w|batch(2, 'x')|list }}
{{ ld|groupby('y')|list|length }} {% for k, i in ld|groupby('y') %}{{ k }}{{ i|length }}{% endfor %}
{{ '7'|int }} {{ 'x'|int }} {{ 'x'|int(3) }} {{ 7.9|int }} {{ '7.9'|int }} {{ '0x1f'|int(base=16) }} {{ '1f'|int(0, 16) }} {{ t|int }} {{ z|int }}
{{ '2.5'|float }} {{ 'x'|float }} {{ 'x'|float(1.5) }} {{ n|float }} {{ 2.567|round }} {{ 2.567|round(1) }} {{ 2.5|round }} {{ 2.1|round(0, 'ceil') }} {{ 2.9|round(method='floor')|int }} {{ m|abs }}
{{ n|string }} {{ t|string }} {{ l|string }} {{ d|string }} {{ (n|string) + 'x' }}
{{ d|tojson }} {{ l|tojson }} {{ h|tojson }} {{ u|tojson }} {{ f|tojson }} {{ [g, z, t]|tojson }} {{ d|tojson(indent=2) }}
{{ h|escape }} {{ h|e }} {{ h|safe }} {{ h|forceescape }} {{ h|striptags }}
{{ 'a\\nb\\n\\nc'|indent }} {{ 'a\\nb'|indent(2, true) }} {{ 'a\\n\\nb'|indent(2, blank=true) }} {{ 'a\\nb'|indent('> ') }} {{ 'a\\nb'|indent(width=1, first=true) }}
{{ 'foo bar baz'|truncate(7) }} {{ 'foo bar baz'|truncate(7, true, '') }} {{ 'foo bar baz'|truncate(5, true, leeway=0) }}
{{ 'foo bar baz'|wordwrap(5) }}
{{ 'a'|center(5) }}| {{ '%s %s'|format('a', 1) }} {{ 'a b&c/d'|urlencode }} {{ d|urlencode }}
{{ 1234567|filesizeformat }} {{ 'see http://example.org'|urlize }} {{ {'a': 1, 'b': none}|xmlattr }} {{ d|pprint }} {{ d|attr('k') }}
{{ w|random }}
{{ s.upper() }} {{ s.lower() }} {{ s.startswith('a') }} {{ s.endswith(('x', 'd')) }} {{ s.split('-') }} {{ 'a b  c'.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ 'a\\nb'.splitlines() }}
{{ ' a '.strip() }} {{ 'xax'.strip('x') }} {{ 'xax'.lstrip('x') }} {{ 'xax'.rstrip('x') }} {{ s.replace('a', 'b') }} {{ 'aaa'.replace('a', 'b', 1) }} {{ s.find('B') }} {{ s.count('a') }} {{ s.title() }} {{ s.capitalize() }} {{ '12'.isdigit() }} {{ 'ab'.isalpha() }} {{ '-'.join(w) }}
{{ s.index('B') }}
{{ s.swapcase() }}
{{ s.zfill(8) }}
{{ s.ljust(8) }}|
{{ s.rjust(8) }}|
{{ s.center(9) }}|
{{ s.partition('-') }}
{{ s.rfind('c') }}
{{ s.removeprefix('a') }}
{{ s.casefold() }}
{{ s.encode() }}
{{ 'ab'.islower() }} {{ 'AB'.isupper() }} {{ ' '.isspace() }} {{ 'a1'.isalnum() }}
{{ '{} {x}'.format(1, x=2) }} {{ '{0}-{1:>3}'.format('a', 5) }} {{ '{:05.1f}'.format(f) }} {{ '{!r}'.format(s) }}
{{ d.items()|list }} {{ d.keys()|list }} {{ d.values()|list }} {{ d.get('k') }} {{ d.get('q') }} {{ d.get('q', 5) }}
{{ d.items() }}
{{ d.keys() }}
{{ d.copy() }}
{{ d.update({'a': 1}) }}
{{ w.count('a') }} {{ w.index('a') }}
{{ w.append('x') }}{{ w }}
{% set x = [] %}{% for i in w %}{% set _ = x.append(i) %}{% endfor %}{{ x }}
{% for i in w %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.cycle('a', 'b') }}{{ loop.depth }} {% endfor %}
{% for i in w %}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.changed(i) }}{% endfor %}
{% for i in w %}{{ loop.previtem|default('-') }}{{ loop.nextitem|default('-') }}{{ loop.changed(i) }}{% endfor %}
{% for i in range(1, 10, 3) %}{{ i }}{% else %}none{% endfor %}{% for i in [] %}x{% else %}none{% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }},{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for a, b in [[1, 2], [3, 4]] %}{{ a + b }}{% endfor %}
{% for i in l if i is string %}{{ i }}{% endfor %}{% for i in 'abc' %}{{ i }}.{% endfor %}
{% for i in w recursive %}{{ i }}{% endfor %}
{% for i in w %}{% if i == 'a' %}{% continue %}{% endif %}{{ i }}{% endfor %}
{% for i in n %}{{ i }}{% endfor %}
{% set x = 1 %}{% if t %}{% set x = 2 %}{% endif %}{{ x }}{% for i in w %}{% set x = 9 %}{% endfor %}{{ x }}
{% set ns = namespace(c=0) %}{% for i in w %}{% set ns.c = ns.c + 1 %}{% endfor %}{{ ns.c }}
{% set x %}block {{ n }}{% endset %}{{ x }} {% set a, b = 1, 2 %}{{ a }}{{ b }}
{% macro m(a, b=2) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1) }}
{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, b=3) }}{{ m('x', 4) }}{{ m.name }}
{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}in{% endcall %}
{% with q = 5 %}{{ q }}{% endwith %}{% filter upper %}abc{% endfilter %}{% block b %}blk{% endblock %}
{% if n == 7 %}a{% elif n == 8 %}b{% else %}c{% endif %}{% if not (t and e) %}d{% endif %}
{# c #}a{#- b -#} c {%- if t -%} x {%- endif %} y {{- n -}} z {% raw %}{{ x }}{% endraw %}
{%- if t +%} a {%+ if t %} b {% endif %}{% endif %}
{{ range(3) }} {{ range(3)|list }} {{ dict(a=1) }} {{ cycler('a', 'b').next() }} {{ joiner(',')() }}|
{{ lipsum(n=1)|length > 10 }}
{{ [1, 2][0] }} {{ {'a': 1}.a }} {{ 'a' 'b' }} {{ "q\\"w" }} {{ 'a\\tb' }} {{ 'é' }} {{ '\\u00e9' }}
{{ true }} {{ True }} {{ none }} {{ None }} {{ false }}
{{ -n }} {{ +n }} {{ not t }} {{ (n + 1) * 2 }} {{ n - -1 }}
{{ s.lost }}
{{ s.lost() }}
{{ n.bit_length() }}
{{ s|lost }}
{{ s is lost }}
{% lost %}
{{ s
{{ 1 / 0 }}
{{ 'x' + 1 }}
{{ s[1:2][0] }} {{ w[:-1] }} {{ w[0:3:2] }} {{ l[3] + 1 }}
{{ [w, l]|map('length')|list }} {{ w|zip(l)|list }}
{{ 'a;b'.split(';')|map('trim')|join('|') }} {{ w|join(', ')|upper }} {{ (w|length) * 2 }} {{ w|length * 2 }}
{{ caller is defined }} {{ self is defined }} {{ loop is defined }} {{ varargs is defined }}
{% do w.append(1) %}
{% import 'x' as y %}
"""

# Pieces of the table that differ on purpose or for want of the engine, as contrib/docs/jjb.md says; by dialect.
KNOWN = """
{{ (1, 'a') }}
{{ (1,) }}
{{ 100000000000000000000 }}
{{ 2 ** 70 }}
{{ n > s }}
{{ w < l }}
{{ s is sequence }}
{{ d is sequence }}
{{ s is callable }}
{{ 'a b  c'|wordcount }}
{{ ld|join(',', attribute='x') }}
{{ l|sort }}
{{ w|map('upper') }}
{{ d|dictsort }}
{{ d|items|list }}
{{ d|dictsort(by='value')|list }}
{{ {'b': 1, 'a': 2}|dictsort }}
{{ {'b': 1, 'a': 2}|dictsort(false, 'value') }}
{{ {'b': 1, 'a': 2}|dictsort(reverse=true) }}
{{ 'x'|int }}
{{ 'x'|float }}
{{ d|tojson(indent=2) }}
{{ h|forceescape }}
{{ h|striptags }}
{{ 'a\\nb'|indent(2, true) }}
{{ 'foo bar baz'|truncate(7) }}
{{ 'foo bar baz'|truncate(7, true, '') }}
{{ 'foo bar baz'|truncate(5, true, leeway=0) }}
{{ 'foo bar baz'|wordwrap(5) }}
{{ 'a'|center(5) }}| {{ '%s %s'|format('a', 1) }}
{{ 'a b&c/d'|urlencode }}
{{ d|urlencode }}
{{ 1234567|filesizeformat }}
{{ 'see http://example.org'|urlize }}
{{ {'a': 1, 'b': none}|xmlattr }}
{{ d|attr('k') }}
{{ w|random }}
{{ 'a,b,c'.rsplit(',', 1) }}
{{ s.index('B') }}
{{ s.swapcase() }}
{{ s.zfill(8) }}
{{ s.ljust(8) }}|
{{ s.rjust(8) }}|
{{ s.center(9) }}|
{{ s.partition('-') }}
{{ s.removeprefix('a') }}
{{ s.casefold() }}
{{ s.encode() }}
{{ '{!r}'.format(s) }}
{{ d.items()|list }}
{{ d.items() }}
{{ d.keys() }}
{{ d.copy() }}
{{ d.update({'a': 1}) }}
{{ w.index('a') }}
{{ w.append('x') }}
{% set x = [] %}{% for i in w %}{% set _ = x.append(i) %}{% endfor %}{{ x }}
{% macro m(a, b=2) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1) }}
{{ range(3) }}
{{ cycler('a', 'b').next() }}
{{ joiner(',')() }}|
{{ lipsum(n=1)|length > 10 }}
{{ +n }}
{{ n.bit_length() }}
{{ w|zip(l)|list }}
{{ self is defined }}
"""
KNOWN_OF = {"classic": """

""", "unified": """
{{ d|pprint }}
"""}


def tree(expression):
    body = "\n".join("      " + line for line in expression.split("\n"))
    return "- job-template:\n    name: '{j}'\n    node: !j2: |-\n%s\n- project: {name: p, j: j, %s, jobs: ['{j}']}\n" % (body, VALUES)


def result(found):
    if found["error"]:
        return "error", found["error"]["text"]
    return "text", found["jobs"][0]["job"]["node"]


def pieces(line):
    """The statements of a line one by one where that is possible, so that one difference does not hide another."""
    if "{%" in line or "{#" in line or line.count("{{") < 2:
        return [line]
    return [part.strip() for part in line.replace("}} {{", "}}\0{{").replace("}}{{", "}}\0{{").split("\0")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--oracle", required=True)
    parser.add_argument("--reader", required=True)
    parser.add_argument("--markdown", action="store_true", help="only the table of differences, for the documentation")
    arguments = parser.parse_args()
    original = Original(os.path.abspath(arguments.oracle))
    ours = Ours(os.path.abspath(arguments.reader), original.engine)
    expected = set((KNOWN + KNOWN_OF[original.engine]).strip().split("\n"))
    same, known, wrong = 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for line in EXPRESSIONS.strip().split("\n"):
            for piece in pieces(line):
                with open("a.yaml", "w", encoding="utf-8") as stream:
                    stream.write(tree(piece))
                left, right = (result(reader.read(["a.yaml"], FLAGS, [])) for reader in (original, ours))
                if left == right or left[0] == right[0] == "error":
                    same += 1
                    if piece in expected:
                        wrong += 1
                        print("no longer different: %s" % piece)
                    continue
                known += piece in expected
                wrong += piece not in expected
                if piece not in expected or arguments.markdown:
                    print("| `%s` | %s | %s |" % (piece, show(left), show(right)))
    print("%s: %d the same, %d known to differ, %d wrong" % (original.engine, same, known, wrong))
    return 1 if wrong else 0


def show(found):
    kind, text = found
    text = str(text).strip().split("\n")[-1 if kind == "error" else 0]
    return ("error: " if kind == "error" else "") + text[:110]


if __name__ == "__main__":
    sys.exit(main())
