"""Formulas in LaTeX as MathML, which browsers draw themselves."""
import re
from xml.etree import ElementTree

from latex2mathml.converter import convert

OPERATORS = {"~": "∼", "±": "±"}  # the converter gives \sim and \pm as names, which have no space around them

FENCES = {")": "(", "]": "[", "}": "{", "|": "|", "‖": "‖"}  # what each of them closes

BELOW = {"min", "max", "lim", "argmin", "argmax", "arg\u2009min", "arg\u2009max"}


def mathml(latex: str, display: str = "inline") -> str:
    """The formula as MathML.

    Raises ValueError, with the formula, for what the converter would print as it is: a command that it does not know, or the
    distance in \\\\[1mm].
    """
    if re.search(r"\\\\\s*\[", latex):
        raise ValueError(f"the slides cannot draw a line break with a distance in the formula ${latex.strip()}$: "
                         "leave the brackets out")
    known = re.sub(r"\\arg\b", r"\\operatorname*{arg}", latex.replace(r"\operatorname{", r"\text{"))
    try:
        tree = ElementTree.fromstring(convert(known, display=display))
    except Exception as error:  # the converter has exceptions of its own for a missing brace or \end
        raise ValueError(f"the slides cannot draw the formula ${latex.strip()}$ ({type(error).__name__})") from None
    unknown = [name for text in tree.itertext() for name in re.findall(r"\\\w+", text)]
    if unknown:
        raise ValueError(f"the slides cannot draw {' and '.join(sorted(set(unknown)))} in the formula ${latex.strip()}$: "
                         "write it with other LaTeX commands")
    for element in tree.iter():
        if element.tag.endswith("}mi") and element.text in OPERATORS:
            element.tag, element.text = element.tag[:-1] + "o", OPERATORS[element.text]
        elif element.tag.endswith("}mi") and element.text == "′":  # a font has two of them: one for an operator is larger
            element.tag = element.tag[:-1] + "o"
            element.attrib |= {"lspace": "0", "rspace": "0"}
        elif element.tag.endswith("}mo") and _is_function(element):
            element.attrib |= {"lspace": "0", "rspace": "0"}  # else a browser puts the space of an unknown operator around it
    if display == "block":  # min, max and the like have their index below
        for element in tree.iter():
            if element.tag.endswith("}msub") and element[0].text in BELOW:
                element.tag = element.tag.replace("}msub", "}munder")
    for row in [element for element in tree.iter() if element.tag.endswith(("}mrow", "}math", "}mtd"))]:
        _space_functions(row)
        _pair_fences(row)
    ElementTree.register_namespace("", tree.tag[1:].split("}")[0])
    return ElementTree.tostring(tree, encoding="unicode")


def _space_functions(row: ElementTree.Element) -> None:
    """A thin space between log, sin or max and what they stand before or after, as TeX sets it: log 2, not log2."""
    for place in range(len(row) - 1, 0, -1):
        left, right = row[place - 1], row[place]
        after, before = not right.tag.endswith("}mo"), not left.tag.endswith(("}mo", "}mspace"))
        if _is_function(left) and after or _is_function(right) and before:
            row.insert(place, ElementTree.Element(row.tag.split("}")[0] + "}mspace", width="0.167em"))


def _pair_fences(row: ElementTree.Element) -> None:
    """Put what stands between two fences into a row of its own where the second has an index, so that both are as high.

    Bars that belong together have no space beside them.
    """
    opened = []  # those that wait for their second fence: (text, element)
    for child in list(row):
        script = child.tag.endswith(("}msub", "}msup", "}msubsup"))
        fence = child[0] if script else child
        text = fence.text if fence.tag.endswith("}mo") else None
        waiting = [place for place, (first, _) in enumerate(opened) if first == FENCES.get(text)]
        if waiting:
            first = opened[waiting[-1]][1]
            del opened[waiting[-1]:]
            if text in "|‖":
                for bar, form in ((first, "prefix"), (fence, "postfix")):
                    bar.attrib = {"stretchy": "false"} | bar.attrib | {"form": form, "lspace": "0", "rspace": "0"}
            if script:
                between = list(row)[list(row).index(first):list(row).index(child)]
                inner = ElementTree.Element(row.tag.split("}")[0] + "}mrow")
                for element in between:
                    row.remove(element)
                child.remove(fence)
                inner.extend([*between, fence])
                child.insert(0, inner)
        elif text in FENCES.values() and not script:
            opened.append((text, child))


def _is_function(element: ElementTree.Element) -> bool:
    """Whether it is a name of several letters, with or without an index."""
    while len(element) and element.tag.endswith(("}msub", "}msup", "}msubsup", "}munder")):
        element = element[0]
    return element.tag.endswith(("}mi", "}mo")) and len(element.text or "") > 1 and element.text[:3].isalpha()
