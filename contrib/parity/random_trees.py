"""Random trees of Job Builder YAML: a seed in, files out. Most are valid, some nearly.

    python3 contrib/parity/random_trees.py 17 [unified]      print the tree of seed 17
"""

import random
import sys

from yaml_text import Block, Map, Raw, Seq, Tagged, document, quoted

FLAGS = ("allow_duplicates", "allow_empty_variables", "keep_descriptions", "retain_anchors")

# Plain scalars whose type surprises (jjb-J20 to J22).
CURIOUS = (
    "yes no on off Yes NO y n true True tRue ~ null Null 010 0777 08 09 0x1F 0b101 0o10 1:30 24:00 1:60 190:20:30"
    " -1:30 1_000 _1 1.0 1.10 .5 +.5 1e3 1.0e+3 1.5e300 .inf -.INF .nan 1:2.5 2001-01-01 2001-1-1 0.00001 1.0e+16"
    " 12345678901234567890 2001-12-14T21:59:43Z 1.2.3 -0 +12 0 -7 5. 1__0 0x_F 0.1e-7 123456.789e+3 -1:30.5"
).split() + ["", "2001-12-14 21:59:43.10 -5", "!!str 5", "!!int '7'", "!!float 3", "!!bool 'yes'", "!!str", "!!binary aGk="]
CURIOUS += ["!!set {a, b}", "!!omap [a: 1, b: 2]", "!!pairs [a: 1, a: 2]", "!!null ''", "plain text", "a#b", "a: b" and "a:b"]

# Dates, bytes and sets end a reading in the unified dialect, so they come seldom.
SELDOM = [text for text in CURIOUS if text.startswith(("2001", "!!set", "!!bin", "!!omap", "!!pairs"))]
OFTEN = [text for text in CURIOUS if text not in SELDOM]

VARIABLES = ["a", "b", "c", "n", "lst", "map", "os", "flag", "my-var", "e1"]
AXES = ["a", "b", "os"]
KINDS = ("builder", "parameter", "publisher", "wrapper", "trigger")
RANKS = ["name", "a", "b", "os", "c", "n", "flag", "e1", "lst", "map", "my-var"]

TEMPLATES = (
    "{{ V }}",
    "{% if V is defined %}yes {{ V }}{% else %}no{% endif %}",
    "{% for i in range(3) %}{{ loop.index }}:{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{{ V|default('d') }} {{ W|upper }}",
    "{{ V ~ '-' ~ W }}",
    "{% set x = V %}{{ x }}{{ x|length }}",
    "{{ [V, W, 1, none, true]|join(',') }}",
    "{% for k, v in {'k': V, 'z': 1.0}.items() %}{{ k }}={{ v }};{% endfor %}",
    "{{ V if W else 'empty' }} { }} {x}",
    "{{ {'k': [V, True, None]} }}",
    "{{ V|string|replace('a', 'A') }}{{ W|trim }}",
    "{{ '%s-%05d' % (V, 7) }}",
    "{{ lst|first }} {{ lst|length }} {{ n + 1 }} {{ n // 2 }} {{ n / 2 }} {{ lst[0] }} {{ map.k }}",
    "{%- if n > 3 -%} big {%- endif %}\n",
    "line1 {{ V }}\n  line2 {{ W }}\n\n",
    "{{ V.startswith('a') }} {{ V.upper() }} {{ V.split('-') }}",
    "{% macro f(x, y='q') %}[{{ x }}{{ y }}]{% endmacro %}{{ f(V) }}{{ f(W, 1) }}",
    "{{ [3, 1, 2]|sort }} {{ [1, 1]|unique|list }} {{ ['a', 'b']|map('upper')|list }} {{ V in ['p', 'q'] }}",
    "{{ V is string }} {{ V is none }} {{ V is mapping }} {{ V[1:] if V is string else V }}",
    "{{ V|tojson }} {{ W|indent(2) }} {{ 5|int }} {{ '7'|int + 1 }}",
    "{% raw %}{{ V }}{% endraw %}{# c #}{{ namespace(x=1).x }}",
)


# Templates whose text is YAML again (jjb-J101): a value, and the items of a list of builders.
YAML_VALUES = (
    "{{ V }}",
    "[{{ V|tojson }}, 2, '{{ W }}']",
    "{k: {{ 1 + 1 }}, j: '{{ V }}'}",
    "{% for i in range(2) %}- i{{ i }}\n{% endfor %}",
    "'{{ V }} {{ '{{' }}x{{ '}}' }}'",
    "yes",
    "{% if W is defined %}010{% else %}~{% endif %}",
    "k: |\n  {{ V }}\n  two",
    "",
)
YAML_BUILDERS = (
    "- shell: 'y {{ V }}'",
    "{% for i in [1, 2] %}- shell: |\n    echo {{ i }} ${{ '{{' }}HOME{{ '}}' }}\n{% endfor %}",
    "- shell: 'a'\n{% if V is defined %}- batch: '{{ V }}'\n{% endif %}",
    "[{shell: '{{ W }}'}, {batch: b}]",
    "- shell: !include-raw: raw.sh",
    "- shell: !j2: 'in {{ '{{ 1 + 1 }}' }}'",
)


class Tree:
    """The files of one tree: name to node, or to text for those that are no YAML."""

    def __init__(self, files, flags):
        self.files, self.flags = files, flags

    def texts(self):
        return {
            name: node if isinstance(node, str) else document(node) for name, node in sorted(self.files.items())
        }


class Grower:
    def __init__(self, seed, dialect):
        self.r = random.Random(seed)
        # The unified dialect expands plain jobs and calls without arguments too, with nothing in reach.
        self.unified = dialect == "unified"
        # How often something is wrong, in one of a thousand places: most trees shall be valid.
        self.wild = self.r.choice([0, 0, 0, 0, 1, 2, 6])
        self.curious = self.r.choice([0, 20, 200])
        self.tags = self.r.choice([0, 0, 60, 200])
        # Anchors have to come before their aliases and end with their file.
        self.shuffled, self.split = self.chance(300), self.chance(300)
        self.anchoring = self.chance(700) and not (self.shuffled or self.split) or self.chance(20)
        self.anchors = []
        self.inside = []
        self.lazy = self.r.random() < 0.3
        self.macros = {}

    def chance(self, per_thousand):
        return self.r.randrange(1000) < per_thousand

    def pick(self, choices):
        return self.r.choice(choices)

    # Text

    def variable(self):
        if self.chance(self.wild):
            return self.pick(["missing", "lost", "e9"])
        return self.pick(self.inside or VARIABLES[:4])

    def field(self):
        """One replacement field or what looks like one (jjb-J40 to J42)."""
        if self.chance(self.wild * 2):
            return self.pick(["{", "}", "{}", "{0}", "{a.b}", "{a|{b}}", "{a!x}", "{n:q}", "{a[zz]}", "{:x}", "{ a }", "{a b}"])
        if self.unified and not self.inside and not self.chance(self.wild):
            return self.pick(["{{x}}", "{zz1|d}", "${{HOME}}", "{{{{a}}}}"])
        v = self.variable()
        kind = self.r.randrange(100)
        if kind < 45:
            return "{%s}" % v
        if kind < 55 and "-" not in v:
            return "{%s|%s}" % (v, self.pick(["", "d", "true", "a b", "x:y", "$X!", "1"]))
        if kind < 60 and "-" not in v:
            return "{zz%d|%s}" % (self.r.randrange(3), self.pick(["", "dflt", "5", "a-b"]))
        if kind < 64:
            return "{obj:%s%s}" % (v if "-" not in v else "name", "" if self.chance(self.wild * 3) else "|o")
        if kind < 70:
            return "{{%s}}" % v
        if kind < 74:
            return "{{{%s}}}" % v
        if kind < 76:
            return "{{{{%s|lit}}}}" % v
        if kind < 80:
            return "{%s!%s}" % (v, self.pick("rs"))
        if kind < 83:
            return "{%s%s}" % (v, self.pick(["!r:>12", "!s:*^9", "!s:<6"]))
        if kind < 86 and "n" in self.inside:
            return "{n%s}" % self.pick([":03d", ":>5", ":x", ":+d", ":,", ":.2f", ":e", ":08.3f", ":b", ":<4", ":^7", ":_", ":c"])
        if kind < 88 and "lst" in self.inside:
            return self.pick(["{lst[0]}", "x{lst}", "{lst[1]}"])
        if kind < 90 and "map" in self.inside:
            return self.pick(["{map[k]}", "x{map}", "{map!r}"])
        return "${{%s}}" % v.upper()

    def text(self, fields=True, most=4):
        """Text with fields."""
        pieces = []
        for _ in range(self.r.randint(1, most)):
            if fields and self.chance(550):
                pieces.append(self.field())
            else:
                pieces.append(self.pick(["x", "echo ", "-", " ", "a", "$HOME ", "é", "'", '"', "# ", ": ", "%", "\\", "1"]))
        return "".join(pieces)

    def scalar(self, fields=True):
        """A scalar in one of the ways of writing it."""
        if self.chance(self.curious):
            return Raw(self.pick(SELDOM if self.chance(60) else OFTEN))
        text = self.text(fields)
        if fields and self.chance(80) and (self.inside or not self.unified):
            # The whole text is one field: the value keeps its type (jjb-J40).
            v = self.pick([v for v in self.inside or ["a"] if "-" not in v] or ["a"])
            text = self.pick(["{%s}", "{obj:%s}", "{%s|d}", "{obj:%s|d}", "{{{%s}}}"]) % v
        kind = self.r.randrange(10)
        if kind < 2:
            lines = [text] + [self.text(fields) for _ in range(self.r.randrange(3))]
            lines[0] = lines[0].lstrip() or "x"
            return Block(self.pick(["|", "|", "|-", "|+", ">", ">-"]), "\n".join(lines))
        return quoted(text, self.pick("'''\""))

    def template(self):
        v, w = self.variable(), self.variable()
        text = self.pick(TEMPLATES)
        if self.unified and not self.inside:
            return self.pick(["{{ 1 + 2 }}{x}", "{% if V is defined %}{{ V }}{% endif %}", "x"]).replace("V", v)
        if "-" in v or "-" in w:
            v = w = "a"
        # In release 6.5.0 the variable `name`, and a tag that waits, are objects that are no strings to Jinja2.
        if self.unified and ("is string" in text or "tojson" in text):
            text = TEMPLATES[0]
        if self.inside and not {"lst", "n", "map"} <= set(self.inside) and ("lst" in text or "n >" in text):
            text = TEMPLATES[0]
        return text.replace("V", v).replace("W", w)

    def yaml_template(self, templates):
        """A tag whose text is rendered and then read as YAML."""
        named = [v for v in self.inside if "-" not in v]
        if self.unified and not named:
            return Tagged("!j2-yaml:", quoted(self.pick(["[1, '{{ 1 + 2 }}']", "{{ 5 }}", "x"]) if templates is YAML_VALUES else "- shell: '{{ 1 }}'", '"'))
        v, w = self.pick(named or ["a"]), self.pick(named or ["b"])
        text = self.pick(templates)
        # In release 6.5.0 a text out of YAML is an object that `tojson` takes for none.
        if self.unified and "tojson" in text:
            text = templates[0]
        text = text.replace("V", v).replace("W", w)
        return Tagged("!j2-yaml:", Block("|", text) if text and self.chance(700) else quoted(text, '"'))

    def tagged(self):
        """A value behind a tag (section 4)."""
        kind = self.r.randrange(14)
        if kind == 13:
            return self.yaml_template(YAML_VALUES)
        if kind == 12:
            # A path with variables, also of YAML (jjb-J32).
            known = [v for v in self.inside if "-" not in v]
            path = "'{%s|scalar}.yaml'" % self.pick(known) if known and self.lazy else "deep.yaml"
            return Tagged("!include:", Raw(path))
        if kind < 4:
            return Tagged("!j2:", Block("|", self.template().strip("\n")) if self.chance(500) else quoted(self.template(), '"'))
        if kind < 5:
            return Tagged("!include-jinja2:", Raw("t.j2"))
        if kind < 9:
            tag = self.pick(["!include-raw:", "!include-raw-escape:", "!include-raw", "!include-raw:", "!include-raw-expand:", "!include-raw-verbatim:"]
                            if self.chance(100) else ["!include-raw:", "!include-raw-escape:", "!include-raw"])
            if self.chance(250):
                return Tagged(tag, Seq([Raw("raw.sh"), Raw("raw2.sh")], self.chance(500)))
            if self.lazy and self.inside and self.chance(500):
                return Tagged(tag, Raw("'{%s|raw}.sh'" % self.pick([v for v in self.inside if "-" not in v] or ["a"])))
            return Tagged(tag, Raw("gone.sh" if self.chance(self.wild * 5) else self.pick(["raw.sh", "raw2.sh"])))
        if kind < 10:
            items = [self.pick([quoted("q{a}"), Raw("x"), Raw("y")]) for _ in range(self.r.randrange(4))]
            return Tagged("!join:", Seq([quoted(self.pick([" ", ",", "", "{a}"])), Seq(items, True)], self.chance(500)))
        return Tagged(self.pick(["!include:", "!include"]), Raw("scalar.yaml"))

    def value(self, depth=0):
        """Any value of a parameter."""
        kind = self.r.randrange(20)
        if self.chance(self.tags):
            return self.tagged()
        if depth < 2 and kind < 2:
            return Seq([self.value(depth + 1) for _ in range(self.r.randrange(4))], self.chance(400))
        if depth < 2 and kind < 4:
            keys = self.r.sample(["k", "a", "'{name}'" if "name" in self.inside else "z", "n", "5", "yes"], self.r.randrange(1, 4))
            return Map([(key, self.value(depth + 1)) for key in keys], self.chance(300))
        return self.scalar()

    def words(self):
        """A value that is a text or a tag, for commands."""
        return self.tagged() if self.chance(self.tags) else self.scalar()

    # Component lists

    def call(self, kind):
        """A component of a type: built in, or a macro."""
        known = self.macros.get(kind, [])
        if known and self.chance(450):
            name, arguments = self.pick(known)
            if self.chance(150 if arguments == [] else 5 if self.unified else 30):
                return Raw(name)
            if self.chance(5 if self.unified and arguments else 20):
                return Map([(name, Raw(self.pick(["", "{}", "~"])))])
            pairs = [(argument, self.value()) for argument in arguments if not self.chance(self.wild * 10)]
            if self.chance(40):
                pairs.append(("unused", self.value()))
            return Map([(name, Map(pairs, self.chance(100)))])
        if self.chance(self.wild):
            return self.pick([Raw("nonsense"), Map([("nonsense", Raw("x"))]), Raw(""), Raw("5"), Seq([Raw("shell")])])
        return getattr(self, kind.replace("-", "_"))()

    def calls(self, kind, most=3):
        if kind == "builder" and self.chance(self.tags // 4):
            return self.yaml_template(YAML_BUILDERS)
        if kind == "builder" and self.chance(self.tags // 8):
            return Tagged("!include:", Raw("steps.yaml"))
        return Seq([self.call(kind) for _ in range(self.r.randint(1, most))])

    def builder(self):
        kind = self.r.randrange(10)
        if kind == 0:
            return Map([("conditional-step", Map([("condition-kind", Raw("always")), ("steps", self.calls("builder", 2))]))])
        if kind == 1:
            return Map([("inject", Map([("properties-content", self.words())]))])
        if kind == 2:
            return Map([("batch", self.words())])
        if kind == 3:
            return Map([("shell", Map([("command", self.words())]))])
        return Map([("shell", self.words())])

    def parameter(self):
        kind = self.pick(["string", "string", "bool", "text", "choice"])
        pairs = [("name", quoted(self.text(most=2).strip() or "P")), ("default", self.value()), ("description", self.words())]
        if kind == "choice":
            pairs[1] = ("choices", self.value())
        return Map([(kind, Map(pairs[: self.r.randint(1, 3)]))])

    def publisher(self):
        kind = self.r.randrange(6)
        if kind == 0:
            groups = Seq([Map([("build-on", Seq([Raw("SUCCESS")], True)), ("build-steps", self.calls("builder", 2))])])
            return Map([("postbuildscript", Map([("builders", groups)]))])
        if kind == 1:
            return Raw("workspace-cleanup")
        return Map([(self.pick(["archive", "junit", "email"]), Map([("artifacts", self.words()), ("x", self.value())]))])

    def wrapper(self):
        if self.chance(400):
            return Raw(self.pick(["timestamps", "ansicolor", "mask-passwords"]))
        return Map([("timeout", Map([("timeout", self.value()), ("fail", self.value())]))])

    def property(self):
        return Map([(self.pick(["throttle", "build-discarder", "inject"]), Map([("x", self.value()), ("y", self.words())]))])

    def trigger(self):
        if not self.inside and self.chance(300):
            return Raw(self.pick(["zuul", "zuul-post"]))
        return Map([(self.pick(["timed", "pollscm", "reverse"]), self.words())])

    def scm(self):
        return Map([("git", Map([("url", self.words()), ("branches", Seq([self.words()]))]))])

    def reporter(self):
        return Map([(self.pick(["email", "findbugs"]), Map([("recipients", self.words())]))])

    def pipeline_scm(self):
        return self.scm()

    def notification(self):
        return Map([("http", Map([("url", self.words())]))])

    # Elements

    LISTS = (
        ("builder", "builders"), ("parameter", "parameters"), ("publisher", "publishers"), ("wrapper", "wrappers"),
        ("property", "properties"), ("trigger", "triggers"), ("scm", "scm"), ("notification", "notifications"),
    )  # fmt: skip
    # Lists that only some types of projects have.
    RARE = (("reporter", "reporters"), ("pipeline-scm", "pipeline-scm"))

    def body(self, kind="job"):
        """Keys of a job, template or set of defaults."""
        pairs = []
        if self.chance(250):
            pairs.append(("description", self.words()))
        if self.chance(200):
            pairs.append(("node", self.words()))
        if self.chance(60):
            pairs.append(("folder", quoted(self.pick(["f", "f/g", "f{a|}" if kind != "job" else "h"]))))
        if self.chance(100):
            pairs.append((self.pick(["concurrent", "disabled", "unknown-key", "quiet-period"]), self.value() if kind != "job" else self.scalar(False)))
        if self.chance(30):
            pairs.append(("project-type", Raw(self.pick(["freestyle", "matrix", "maven", "flow", "pipeline", "nonsense" if self.chance(self.wild * 20) else "freestyle"]))))
        for single, plural in self.LISTS:
            if self.chance(600 if single == "builder" else 130):
                pairs.append((plural, self.calls(single)))
        types = [value.text for key, value in pairs if key == "project-type"]
        if types == ["pipeline"]:
            # One of the two, or a mistake.
            if not self.chance(self.wild * 20):
                source = Map([("scm", self.calls(self.pick(["scm", "pipeline-scm"]), 1)), ("script-path", self.words())])
                pairs.append(("pipeline-scm", source) if self.chance(600) else ("dsl", self.words()))
        elif self.chance(900 if types == ["maven"] else self.wild):
            pairs.append(("reporters", self.calls("reporter")))
        self.r.shuffle(pairs)
        if pairs and self.chance(30):
            pairs.append((pairs[0][0].text if isinstance(pairs[0][0], Raw) else pairs[0][0], pairs[0][1]))
        return [self.anchored(pair) for pair in pairs]

    def anchored(self, pair):
        """Now and then an anchor on a value, an alias to an earlier one, or a merge."""
        key, value = pair
        if not self.anchoring or key in ("name", "jobs", "views", "id", "<<", "!!merge "):
            return pair
        alike = [(name, node) for name, node in self.anchors if type(node) is type(value)]
        if alike and self.chance(100) and (isinstance(value, Raw) or self.chance(200) or key[:-1] in KINDS):
            name, node = self.pick(alike)
            if isinstance(value, Raw) or node.key == key or self.chance(self.wild):
                return (key, Raw("*" + name))
        maps = [name for name, node in self.anchors if isinstance(node, Map) or self.chance(self.wild)]
        if maps and self.chance(100):
            value = Raw("*" + self.pick(maps)) if self.chance(700) else Seq([Raw("*" + name) for name in maps[:2]], True)
            return (self.pick(["<<", "!!merge "]), value)
        if self.chance(150) and not (isinstance(value, Raw) and value.text[:1] in "!*&") and not isinstance(value, Tagged):
            name = "m%d" % len(self.anchors)
            value.key = key
            self.anchors.append((name, value))
            return (key, Tagged("&" + name, value))
        return pair

    def parameters(self, names, most=4):
        pairs = []
        for name in self.r.sample(names, min(len(names), self.r.randint(0, most))):
            pairs.append((name, self.special(name)))
        return pairs

    def special(self, name):
        """A parameter's value that goes with what texts do with it. It mostly refers to parameters of lower rank only:
        circles end a reading in the unified dialect."""
        saved = self.inside
        if not self.chance(20):
            rank = RANKS.index(name)
            self.inside = [known for known in saved if known in RANKS and RANKS.index(known) < rank]
            self.inside = self.inside or ["name"]
        value = self.special_value(name)
        self.inside = saved
        return value

    def special_value(self, name):
        if name == "n":
            return Raw(self.pick(["5", "42", "0", "-7", "1.5"]))
        if name == "lst":
            return Seq([Raw("one"), self.scalar(), Raw("3")], self.chance(500))
        if name == "map":
            return Map([("k", self.scalar()), ("j", Raw("2"))])
        return self.value(0 if name not in AXES or self.chance(50) else 2)

    def macro(self, kind, plural, index):
        arguments = self.r.sample(VARIABLES[:6], self.r.randint(0, 3))
        name = "m-%s-%d" % (kind, index)
        if self.chance(20):
            name = {"builder": "shell", "wrapper": "timeout"}.get(kind, name)
        saved, self.inside = self.inside, arguments
        pairs = [("name", Raw(name)), (plural, self.calls(kind, 2))]
        if self.chance(60):
            pairs += self.parameters(VARIABLES[:4], 1)
        if self.chance(20):
            pairs.append(("defaults", Raw(self.pick(["global", "set1"]))))
        self.inside = saved
        self.macros.setdefault(kind, []).append((name, arguments))
        return Map([(kind, Map(pairs))])

    def axis(self):
        items = []
        for _ in range(self.r.randint(0 if self.chance(60) else 1, 3)):
            word = self.pick(["p", "q", "r", "s", "1", "yes", "'{c|k}'", "2.0", "'p'", "08"])
            if self.chance(250):
                extra = self.parameters(["a", "b", "c", "n", "e1"], 2) or [("c", Raw("own"))]
                items.append(Map([(word, Map(extra, self.chance(300)))]))
            else:
                items.append(Raw(word))
        return Seq(items, self.chance(400))

    def name_of(self, index, separator="-"):
        used = self.r.sample(AXES, self.r.randint(0, 2))
        parts = ["{name}"] if self.chance(970) else []
        parts += ["{%s|dd}" % axis if self.chance(150) else "{%s}" % axis for axis in used]
        return separator.join(parts + ["t%d" % index])

    def job_template(self, index, element="job-template"):
        self.inside = ["name", *AXES, "c", "n", "lst", "map", "my-var", "e1"]
        name = self.name_of(index)
        pairs = [("name", quoted(name))]
        reference = name
        if self.chance(120):
            reference = "id%d" % index
            pairs.append(("id", Raw(reference)))
        if self.chance(80):
            pairs.append(("defaults", Raw(self.pick(["set1", "set1", "global", "gone" if self.chance(self.wild * 10) else "set1"]))))
        # What is not given here must come from the project: mostly it is given.
        pairs += [(name, self.special(name)) for name in ["c", "n", "lst", "map", "my-var", "e1"] if self.chance(250)]
        pairs += self.body(element)
        if self.chance(250):
            self.r.shuffle(pairs)
        self.inside = []
        return Map([(element, Map(pairs))]), reference

    def view_template(self, index):
        self.inside = ["name", "a", "b", "c"]
        name = self.name_of(index, "_")
        pairs = [("name", quoted(name)), ("view-type", Raw(self.pick(["list", "list", "all", "pipeline"])))]
        if self.chance(120):
            name = "vid%d" % index
            pairs.append(("id", Raw(name)))
        if self.chance(60):
            pairs.append(("defaults", Raw("set1")))
        pairs += [(key, self.special(key)) for key in ["c", "n"] if self.chance(200)]
        if self.chance(200):
            pairs.append(("columns", Seq([Raw("status"), self.words()])))
        if self.chance(100):
            pairs.append(("folder", quoted(self.pick(["f", "f{a|}"]))))
        if self.chance(500):
            pairs.append(("regex", self.words()))
        if self.chance(300):
            pairs.append(("description", self.words()))
        self.inside = []
        return Map([("view-template", Map(pairs))]), name

    def references(self, names, most=3):
        out = []
        for name in self.r.sample(names, min(len(names), self.r.randint(1, most))):
            if self.chance(self.wild * 3):
                name = self.pick(["nowhere", "{name}-gone"])
            if self.chance(300):
                out.append(Map([(quoted(name), Map(self.parameters(VARIABLES) or [("c", Raw("ref"))]))]))
            elif self.chance(20):
                out.append(Map([(quoted(name), Raw(""))]))
            else:
                out.append(quoted(name))
        return Seq(out)

    def job_group(self, index, names):
        self.inside = ["name", "c"]
        pairs = [("name", Raw("g%d" % index)), ("jobs", self.references(names))]
        pairs += self.parameters(["a", "c", "e1", "n"], 2)
        self.inside = []
        return Map([("job-group", Map(pairs))])

    def view_group(self, index, names):
        self.inside = ["name", "c"]
        pairs = [("name", Raw("vg%d" % index)), ("views", self.references(names))]
        pairs += self.parameters(["a", "c", "b"], 2)
        self.inside = []
        return Map([("view-group", Map(pairs))])

    def project(self, index, names, views):
        self.inside = ["name", "c", "n"]
        pairs = [("name", Raw(self.pick(["p%d" % index] * 9 + ["5", "p"])))]
        if self.chance(970) and names:
            pairs.append(("jobs", self.references(names)))
        if views and self.chance(600):
            pairs.append(("views", self.references(views)))
        for axis in AXES:
            if self.chance(995):
                pairs.append((axis, self.axis() if self.chance(600) else self.special(axis)))
        self.inside = ["name", "a", "b"]
        pairs += [(name, self.special(name)) for name in ["c", "n", "lst", "map", "my-var", "e1"] if self.chance(995)]
        if self.chance(80):
            pairs.append(("defaults", Raw("set1")))
        if self.chance(250):
            pairs.append(("exclude", self.excludes()))
        self.r.shuffle(pairs)
        self.inside = []
        return Map([("project", Map([self.anchored(pair) for pair in pairs]))])

    def excludes(self):
        entries = []
        for _ in range(self.r.randint(1, 2)):
            keys = self.r.sample(["a", "b", "os", "c", "zz" if self.chance(100) else "a"], self.r.randint(1, 2))
            entries.append(Map([(key, Raw(self.pick(["p", "q", "1", "'1'", "yes"]))) for key in dict.fromkeys(keys)]))
        if self.chance(self.wild * 5):
            return self.pick([Seq([Map([])]), Map([("a", Raw("p"))]), Seq([Raw("p")])])
        return Seq(entries)

    def defaults(self, name):
        self.inside = ["name", "c"] if self.chance(20 if self.unified else 400) else []
        pairs = [("name", Raw(name))] + (self.parameters(["c", "n", "e1", "my-var", "lst", "map"]) if self.inside or self.chance(100) else []) + self.body("defaults")
        self.inside = []
        return Map([("defaults", Map(pairs))])

    def view(self, index):
        pairs = [("name", Raw("v%d" % index)), ("view-type", Raw("list")), ("regex", self.scalar(False))]
        return Map([("view", Map(pairs))])

    def job(self, index):
        self.inside = []
        pairs = [("name", Raw(self.pick(["j%d" % index] * 9 + ["7", "'j {{x}}'", "j"])))]
        if self.chance(100):
            pairs.append(("defaults", Raw("set1")))
        pairs += self.parameters(["c", "e1"], 1) + self.body()
        return Map([("job", Map(pairs))])

    def elements(self):
        out = []
        for kind, plural in self.LISTS + self.RARE:
            if self.chance(500 if kind == "builder" else 150 if (kind, plural) in self.LISTS else 60):
                out += [self.macro(kind, plural, index) for index in range(self.r.randint(1, 3))]
        if self.chance(350):
            out.append(self.defaults("global"))
        if self.chance(980):
            out.append(self.defaults("set1"))
        templates = [self.job_template(index) for index in range(self.r.randint(1, 3))]
        out += [element for element, _ in templates]
        names = [name for _, name in templates]
        jobs = self.r.randrange(3)
        out += [self.job(index) for index in range(jobs)]
        if jobs and self.chance(100):
            names.append("j0")
        groups = 1 if self.chance(300) else 0
        out += [self.job_group(index, list(names)) for index in range(groups)]
        names += ["g%d" % index for index in range(groups)]
        views = []
        if self.chance(200):
            made = [self.view_template(index) for index in range(self.r.randint(1, 2))]
            out += [element for element, _ in made] + [self.view(0)]
            views = [name for _, name in made]
            if self.chance(400):
                out.append(self.view_group(0, list(views)))
                views.append("vg0")
            if self.chance(100):
                views.append("v0")
        out += [self.project(index, names, views) for index in range(self.r.randint(1, 2))]
        if self.chance(self.wild * 5):
            out.append(self.pick([Raw("stray"), Map([("job", Map([]))]), Map([("odd", Map([("name", Raw("x"))]))]),
                                  Map([("job", Raw("")), ("project", Raw(""))]), Map([("_a", Map([("name", Raw("x"))]))])]))
        if self.chance(60):
            out.append(Map([("job", Tagged("!include:", Raw("whole.yaml")))]))
        return out

    def tree(self):
        elements = self.elements()
        if self.shuffled:
            self.r.shuffle(elements)
        cut = self.r.randint(0, len(elements)) if self.split else len(elements)
        files = {"a.yaml": Seq(elements[:cut])}
        if cut < len(elements):
            files["b.yml"] = Seq(elements[cut:])
        raw = self.pick(["echo raw\n", "echo ${HOME} {{x}}\n" if self.chance(self.wild * 10) else "${{HOME}}\n", "r {a|no} {{b}}\n", "no end", "\n\n", "f() {{ true; }}\n"])
        files.update({"raw.sh": raw, "raw2.sh": "second {{y}}\nline\n", "t.j2": "T {{ a|default('none') }} {x}\n"})
        files["scalar.yaml"] = Seq([Raw("inc"), quoted("{a|i}")]) if self.chance(300) else Raw("'{a|inc}'")
        self.inside = ["a"]
        files["deep.yaml"] = Map([("d", Tagged("!include-raw:", Raw("raw.sh"))), ("e", Tagged("!include:", Raw("scalar.yaml"))), ("f", self.value(1))])
        files["steps.yaml"] = self.pick([Seq([Map([("shell", quoted("s {a|z}"))]), self.builder()]), Seq([Map([("shell", Tagged("!include-raw:", Raw("raw2.sh")))])])])
        self.inside = []
        files["whole.yaml"] = Map([("name", Raw("whole")), ("builders", Seq([Map([("shell", quoted("w"))])]))])
        # Include tags look here; only the folder above is read as elements.
        files = {name if name in ("a.yaml", "b.yml") else "inc/" + name: node for name, node in files.items()}
        flags = {flag: self.chance(150) for flag in FLAGS}
        return Tree(files, flags)


def grow(seed, dialect="classic"):
    return Grower(seed, dialect).tree()


if __name__ == "__main__":
    shown = grow(int(sys.argv[1]), *sys.argv[2:])
    print("# " + " ".join(flag for flag, on in shown.flags.items() if on))
    for name, text in shown.texts().items():
        print("--- %s" % name)
        print(text, end="")
