"""Trees of YAML that are written as text by ourselves, so that every curiosity of the text can be chosen.

A node is one of the classes below. `emit` writes it; `smaller` gives nodes that are a little simpler, for shrinking.
"""


class Raw:
    """A scalar on one line, as it is to stand in the file."""

    def __init__(self, text):
        self.text = text


class Block:
    """A block scalar: `|`, `|-`, `|+`, `>` and its lines."""

    def __init__(self, style, text):
        self.style, self.text = style, text


class Seq:
    def __init__(self, items, flow=False):
        self.items, self.flow = list(items), flow


class Map:
    """Pairs, not a dictionary: the same key may be there twice."""

    def __init__(self, pairs, flow=False):
        self.pairs, self.flow = [[key if isinstance(key, Raw) else Raw(key), value] for key, value in pairs], flow


class Tagged:
    """A node behind a tag (`!j2:`) or an anchor (`&a`)."""

    def __init__(self, mark, node):
        self.mark, self.node = mark, node


def quoted(text, quotes="'"):
    """Text as a scalar on one line."""
    if quotes == '"':
        text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return Raw('"%s"' % text)
    return Raw("'%s'" % text.replace("'", "''"))


def flows(node):
    """Whether the node can stand on one line."""
    if isinstance(node, Raw):
        return True
    if isinstance(node, Tagged):
        return flows(node.node)
    if isinstance(node, Seq):
        return all(flows(item) for item in node.items)
    if isinstance(node, Map):
        return all(flows(value) for _, value in node.pairs)
    return False


def flow(node):
    if isinstance(node, Raw):
        return node.text
    if isinstance(node, Tagged):
        return ("%s %s" % (node.mark, flow(node.node))).rstrip()
    if isinstance(node, Seq):
        return "[%s]" % ", ".join(flow(item) or "~" for item in node.items)
    return "{%s}" % ", ".join("%s: %s" % (key.text, flow(value)) for key, value in node.pairs)


def emit(node, indent=0):
    """The text of a node behind `KEY:` or `-`: it begins with a blank or a line break and ends with a line break."""
    pad = " " * indent
    if isinstance(node, Raw):
        return " %s\n" % node.text if node.text else "\n"
    if isinstance(node, Tagged):
        return " " + node.mark + emit(node.node, indent)
    if isinstance(node, Block):
        lines = "".join(pad + line + "\n" if line.strip() else "\n" for line in node.text.split("\n"))
        return " %s\n%s" % (node.style, lines)
    empty = not (node.items if isinstance(node, Seq) else node.pairs)
    if empty or (node.flow and flows(node)):
        return " %s\n" % flow(node)
    if isinstance(node, Seq):
        return "\n" + "".join(pad + "-" + emit(item, indent + 2) for item in node.items)
    return "\n" + "".join("%s%s:%s" % (pad, key.text, emit(value, indent + 2)) for key, value in node.pairs)


def document(node):
    """A whole file."""
    return emit(node).lstrip("\n").lstrip(" ") if not isinstance(node, Tagged) else emit(node)[1:]


def smaller(node):
    """Nodes with one thing less."""
    if isinstance(node, (Raw, Block)):
        if isinstance(node, Block):
            lines = node.text.split("\n")
            for at in range(len(lines) if len(lines) > 1 else 0):
                yield Block(node.style, "\n".join(lines[:at] + lines[at + 1 :]))
        elif node.text not in ("x", "") and len(node.text) > 1:
            yield Raw("x")
            yield from shorter(node.text)
        return
    if isinstance(node, Tagged):
        yield node.node
        for inner in smaller(node.node):
            yield Tagged(node.mark, inner)
        return
    if isinstance(node, Seq):
        for at, item in enumerate(node.items):
            yield Seq(node.items[:at] + node.items[at + 1 :], node.flow)
        for at, item in enumerate(node.items):
            for inner in smaller(item):
                yield Seq(node.items[:at] + [inner] + node.items[at + 1 :], node.flow)
        return
    for at in range(len(node.pairs)):
        yield Map(node.pairs[:at] + node.pairs[at + 1 :], node.flow)
    for at, (key, value) in enumerate(node.pairs):
        for inner in smaller(value):
            yield Map(node.pairs[:at] + [[key, inner]] + node.pairs[at + 1 :], node.flow)


def shorter(text):
    """A quoted scalar with one piece of its text less."""
    if text[0] not in "'\"" or text[-1] != text[0]:
        return
    inner = text[1:-1]
    for size in (8, 4, 2, 1):
        for at in range(0, len(inner) - size + 1, size):
            yield Raw(text[0] + inner[:at] + inner[at + size :] + text[0])
