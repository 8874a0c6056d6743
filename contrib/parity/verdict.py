"""Whether two readings are the same; errors are the same when they name the same thing."""

import json
import re

# Objects that are printed into text where they are not expanded: Python adds an address.
OBJECTS = re.compile(r"<jenkins_jobs\.\w+\.\w+ object at 0x[0-9a-f]+>|<Jinja2 template(?: for YAML)?>", re.I)

# Sets of texts as Python prints them.
SETS = re.compile(r"\{('\w*'(?:, '\w*')+)\}")

# What differs on purpose (contrib/docs/jjb.md): words of the original's message, and the reason.
DOCUMENTED = {
    r"not supported between instances of": "Jinja2 refuses to order values of different types",
    r"Object of type Loc\w+ is not JSON serializable": "the filter tojson of release 6.5.0 takes no text out of YAML",
    r"(?:operand type|Object of type).* '?J(?:inja)?2\w+": "to filters, templates that were never rendered are texts here",
    r"^list index out of range$": "release 6.5.0 dies over zuul triggers of a job with parameters (jjb-J92)",
}

# Messages of Job Builder, the codes of ours that say the same, and which group our text has to name too.
SAME = (
    (r"Unknown entry point or macro '(.*?)' for component", {"unknown-component", "bad-component"}, 1),
    (r"(?:^|: )(.+?) parameter missing to format ", {"missing-variable", "missing-item"}, 1),
    (r"Missing parameter: ['\"]?(.+?)['\"]?$", {"missing-variable"}, 1),
    (r"(?:Unknown defaults set:|wants defaults) ['\"](.+?)['\"](?:,|$)", {"unknown-defaults"}, 1),
    (r"Failed to find suitable .*named '(.+?)'", {"unknown-reference"}, 1),
    (r"Duplicate definitions for (?:job|view) '(.+?)' specified", {"duplicate"}, 1),
    (r"Duplicate entry found in '|Duplicate ", {"duplicate"}, 0),
    (r"found undefined alias '(.+?)'", {"undefined-alias"}, 1),
    (r"found duplicate anchor '?(\w+)'?", {"duplicate-anchor"}, 1),
    (r"could not determine a constructor for the tag", {"unknown-tag", "bad-scalar"}, 0),
    (r"could not find expected ':'|while parsing a|while scanning|mapping values are not allowed|expected '<document start>'|did not find expected|expected <block end>", {"yaml-syntax", "undefined-alias", "unknown-tag"}, 0),
    (r"for merging", {"bad-merge"}, 0),
    (r"tuple index out of range|Positional format arg", {"positional-field"}, 0),
    (r"Unknown format code|Invalid format specifier|Unknown conversion|%c arg not in range|not allowed with|Cannot specify|unsupported format string|allowed in string format|format specifier", {"bad-format", "missing-variable"}, 0),
    (r"Single '[{}]'|unmatched '{' in format spec|unexpected '{' in field|expected '}' before|end of string while looking for", {"stray-brace", "bad-format"}, 0),
    (r"can only concatenate .* to (?:list|bytes)|unsupported operand type\(s\) for|can't concat str", {"bad-description", "template-error"}, 0),
    (r"string index out of range|list index out of range|string indices must be|indices must be integers|object is not subscriptable|^-?\d+$|^'\w+'$", {"missing-item", "without-name", "unknown-component", "missing-variable", "bad-exclude"}, 0),
    (r"Missing required element: '(\w+)'", {"without-name", "missing-argument"}, 1),
    (r"unhashable type|found unacceptable key|found unhashable key", {"bad-key", "bad-name", "bad-component"}, 0),
    (r"Either 'dsl' or", {"pipeline-script"}, 0),
    (r"No such file|does not exist in any of include|not found", {"include-missing", "template-error"}, 0),
    (r"Unrecognized project-type", {"unknown-project-type"}, 0),
    (r"Missing command from|requires? a command", {"missing-argument"}, 0),
    (r"object has no attribute 'b'$", {"attribute-access"}, 0),
    (r"object has no attribute 'get'|is not a mapping|unhashable type: 'list'$|dictionary update sequence", {"bad-exclude", "bad-arguments", "missing-variable", "bad-reference", "bad-axis"}, 0),
    (r"(?:object|') has no attribute|is undefined|no element \d|has no len|expected str|object is not|syntax|Encountered unknown|^unexpected '|^expected token|^Unexpected end of template|^tag name expected|unexpected char", {"template-error", "missing-variable", "bad-arguments", "not-an-element", "unresolved-include", "bad-join", "bad-axis", "bad-component"}, 0),
    (r"keywords must be strings", {"bad-key"}, 0),
    (r"Unknown axis '(.+?)'", {"bad-exclude"}, 1),
    (r"Expected a dict, but |'str' object has no attribute 'get'", {"bad-exclude", "bad-reference"}, 0),
    (r"cannot serialize|write\(\) argument must be str", {"bad-arguments", "missing-argument", "unresolved-tag"}, 0),
    (r"maximum recursion depth", {"endless-macro", "recursive-alias", "too-deep", "include-loop"}, 0),
    (r"Recursive parameters usage", {"recursive-variable"}, 0),
    (r"Syntax error, for item|Topmost dict should be single-item", {"two-keys"}, 0),
    (r"Topmost list should|The topmost collection", {"not-an-element", "not-a-list"}, 0),
    (r"Unknown topmost element type", {"unknown-kind"}, 0),
    (r"Do not know how to (?:expand|enumerate)", {"cannot-expand"}, 0),
)  # fmt: skip

# The unified release dies while it looks for the place of an error that it found.
DIED = re.compile(r"^substring not found$|has no attribute '(?:body|value_pos|key_pos|pos|with_offset)'|^list index out of range$")


def not_made_empty(engine, flags, ours):
    """In the unified dialect a missing variable of a file that a parameter includes is never made empty here."""
    error = ours["error"]
    return bool(
        engine == "unified"
        and flags["allow_empty_variables"]
        and error
        and error["code"] == "missing-variable"
        and re.search(r"in the included file .*\n  while the variable", error["text"])
    )


def plain(value):
    """The same without addresses, and with the items of sets in one order: Python's changes from run to run."""
    text = json.dumps(value)
    if "<" in text:
        text = OBJECTS.sub("<object>", text)
    return json.loads(SETS.sub(lambda found: "{%s}" % ", ".join(sorted(found.group(1).split(", "))), text))


def judge(original, ours, first_difference, counts=None):
    """None, or kind and text of the first difference. `counts` gets one more for what was compared."""
    left, right = original["error"], ours["error"]
    if left or right:
        kind, found = errors(left, right)
        if counts is not None:
            counts[kind] += 1
        return found
    if counts is not None:
        counts["jobs"] += len(original["jobs"])
        counts["trees without an error"] += 1
    for kind in ("jobs", "views"):
        pairs = list(zip(plain(original[kind]), plain(ours[kind])))
        names = [[item["name"] for item in plain(side[kind])] for side in (original, ours)]
        if names[0] != names[1]:
            return "names of %s" % kind, "%s != %s" % tuple(names)
        for a, b in pairs:
            found = first_difference(a, b)
            if found:
                return "content", "%s: %s" % (a["name"], found)
    return None


def errors(left, right):
    """The kind of what was compared, and the difference if there is one."""
    for pattern, reason in DOCUMENTED.items():
        if left and re.search(pattern, left["text"]):
            return "documented: %s" % reason, None
    if left and right:
        return both(left, right)
    if left:
        if left["module"]:
            return "refused by a module while it writes XML (jjb-J131)", None
        return "only the original refuses", ("only the original refuses", "%s: %s %s" % (left["class"], left["text"][-600:], left.get("frames", "")))
    return "only ours refuses", ("only ours refuses: " + right["code"], right["text"][:600])


def unescaped(text):
    """A name is shown as it is or as Python's literal."""
    return text.replace("\\\\", "\\")


def both(left, right):
    said = left["text"]
    if DIED.search(said):
        return "the original dies while it reports | %s" % right["code"], None
    for pattern, codes, group in SAME:
        found = re.search(pattern, said, re.M)
        if not found:
            continue
        word = unescaped(plain(found.group(group) if group else "") or "")
        # Python's word for what we call null.
        word = "null" if word == "None" else word
        if right["code"] in codes and word in unescaped(plain(right["text"])):
            return "both refuse: %s" % right["code"], None
        break
    if left["module"] and "Unknown entry point" not in said:
        return "refused by a module while it writes XML (jjb-J131)", None
    kind = "errors name different things: %s" % right["code"]
    return kind, (kind, "%s: %s %s\n  ours: %s" % (left["class"], said[-400:], left.get("frames", ""), right["text"][:400]))
