"""Published schemas, and what they say turned into refusals that name the field.

Shipped in data/formats: our own, DCSA and eFTI (Apache-2.0), UN/CEFACT D23B (its notice allows unchanged copies).
Not shipped, because their licences do not plainly allow it: GS1 EPCIS and FIATA eFBL. Those are used when they lie in
the folder of third-party cases (LUHAI_SHARED, or ../shared beside the clone); without them a document is held against
the required set of its module only, and says so in a remark. Nothing is fetched. data/formats/SOURCES.md has the list.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import urldefrag, urljoin

import jsonschema_rs
import yaml
from lxml import etree

from luhai.core.evidence.formats import tree
from luhai.core.evidence.formats.document import Remark
from luhai.core.evidence.formats.tree import JsonPlace, XmlPlace
from luhai.kernel.refusal import gettext_noop

ROOT: Final = Path(__file__).resolve().parents[5]
SHIPPED: Final = ROOT / "data" / "formats"

NO_SUCH_FIELD = gettext_noop("There is no such field here.")
SCHEMA_ABSENT = gettext_noop("The published schema is not installed here; only our required set was checked.")


def outside() -> Path:
    """Where third-party cases and schemas lie that we may not ship."""
    return Path(os.environ.get("LUHAI_SHARED", ROOT.parent / "shared")) / "data" / "2-title-docs"


# JSON Schema ----------------------------------------------------------------------------------------------------


def check(place: JsonPlace, validator: jsonschema_rs.Validator) -> None:
    """Refuse the first thing in the document that the schema does not allow."""
    for error in validator.iter_errors(place.value):
        path, problem = _explained(error)
        tree.refuse(_joined(place.path, path), problem)


def check_or_remark(
    place: JsonPlace, validator: jsonschema_rs.Validator | None, remarks: list[Remark]
) -> None:
    """As `check`; remark it when the schema is not here."""
    if validator is None:
        remarks.append(Remark(field=tree.WHOLE, problem=SCHEMA_ABSENT))
    else:
        check(place, validator)


def _joined(base: str, path: Iterable[str | int]) -> str:
    for step in path:
        base += f"[{step}]" if isinstance(step, int) else f".{step}" if base else step
    return base


def _explained(error: jsonschema_rs.ValidationError) -> tuple[list[str | int], str]:
    """Where the fault is and what would be right, without repeating what the document says."""
    path, kind = list(error.instance_path), error.kind
    name, facts = kind.name, kind.as_dict()
    match name:
        case "oneOf" | "anyOf" if facts.get("context"):
            # Of several forms that were possible, speak of the one that came furthest.
            branches = [[_explained(e) for e in branch] for branch in facts["context"] if branch]
            if branches:
                return max((min(b, key=lambda x: len(x[0])) for b in branches), key=lambda x: len(x[0]))
    match name:
        case "required":
            return [*path, str(facts["property"])], tree.MISSING
        case "additionalProperties" | "unevaluatedProperties":
            return [*path, str(facts["unexpected"][0])], NO_SUCH_FIELD
        case "falseSchema":
            return path, NO_SUCH_FIELD
        case "type":
            return path, f"{' or '.join(str(t) for t in facts['types'])} is wanted."
        case "enum":
            return path, f"One of {', '.join(str(o) for o in _listed(facts['options']))} is wanted."
        case "const":
            return path, f"{facts['expected_value']} is wanted."
        case "pattern":
            return path, f"This should match {facts['pattern']}"
        case "format":
            return path, f"A {facts['format']} is wanted."
        case (
            "minLength"
            | "maxLength"
            | "minItems"
            | "maxItems"
            | "minimum"
            | "maximum"
            | "exclusiveMinimum"
            | "exclusiveMaximum"
            | "minProperties"
        ):
            return path, f"This breaks the limit {name} {facts['limit']}."
        case _:
            return path, f"This breaks the rule “{name}” of the schema."


def _listed(options: Any) -> list[Any]:
    return options if isinstance(options, list) else json.loads(options)


@cache
def ours(name: str) -> jsonschema_rs.Validator:
    """One of our own declared forms: data/formats/luhai/NAME.schema.json."""
    schema = json.loads((SHIPPED / "luhai" / f"{name}.schema.json").read_text(encoding="utf-8"))
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


@cache
def dcsa(file: str, schema: str) -> jsonschema_rs.Validator:
    """A schema of a DCSA OpenAPI 3.0 file. Its dialect of JSON Schema is nearest to draft 4."""
    return jsonschema_rs.Draft4Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": _openapi(file)}, validate_formats=True
    )


@cache
def _openapi(file: str) -> Any:
    text = _member("dcsa.zip", file).decode("utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["components"]


_D23B: Final = "https://raw.githubusercontent.com/uncefact/spec-JSONschema/main/JSONschema2020-12/library/BuyShipPay/D23B/"


@cache
def uncefact(name: str) -> jsonschema_rs.Validator:
    """A message of UN/CEFACT D23B, by its file name."""
    return jsonschema_rs.Draft202012Validator({"$ref": _D23B + name}, registry=_d23b(), validate_formats=True)


@cache
def _d23b() -> jsonschema_rs.Registry:
    with zipfile.ZipFile(SHIPPED / "uncefact-d23b.zip") as archive:
        found = {_D23B + n: json.loads(archive.read(n).decode("utf-8-sig")) for n in archive.namelist()}
    for address, schema in found.items():
        _mend(schema, address, found)
    return jsonschema_rs.Registry(list(found.items()), draft=jsonschema_rs.Draft202012)


def _mend(node: Any, address: str, known: Mapping[str, Any]) -> None:
    """D23B refers to some hundred definitions that it does not have: take those references away, which allows anything."""
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str):
            target, fragment = urldefrag(urljoin(address, reference))
            if target not in known or not _holds(known[target], fragment):
                del node["$ref"]
        for item in node.values():
            _mend(item, address, known)
    elif isinstance(node, list):
        for item in node:
            _mend(item, address, known)


def _holds(schema: Any, fragment: str) -> bool:
    for step in fragment.strip("/").split("/") if fragment.strip("/") else []:
        if not isinstance(schema, dict) or step not in schema:
            return False
        schema = schema[step]
    return True


def epcis() -> jsonschema_rs.Validator | None:
    """GS1's EPCIS 2.0 schema, if it is here."""
    return _from_folder(
        outside() / "epcis-schema", "https://gs1.github.io/EPCIS/JSON-Schema/EPCIS-JSON-Schema.json",
        jsonschema_rs.Draft7Validator, jsonschema_rs.Draft7,
    )  # fmt: skip


def fiata() -> jsonschema_rs.Validator | None:
    """FIATA's eFBL schema, if it is here."""
    return _from_folder(
        outside() / "fiata-efbl" / "json-schemas", "https://fiata.com/digital/schemas/json/release/20230106/efbl.schema.json",
        jsonschema_rs.Draft202012Validator, jsonschema_rs.Draft202012,
    )  # fmt: skip


@cache
def _from_folder(
    folder: Path, root: str, validator: Callable[..., jsonschema_rs.Validator], draft: int
) -> jsonschema_rs.Validator | None:
    files = [p for p in sorted(folder.rglob("*.json")) if "test" not in p.relative_to(folder).parts]
    if not files:
        return None
    found: dict[str, Any] = {}
    for path in files:
        schema = json.loads(path.read_text(encoding="utf-8"))
        # The published $id of FIATA's root and of its parts do not lie where their references point, so the place
        # in the folder counts; a $id that is the root's own is kept as well.
        address = urljoin(root, path.relative_to(folder).as_posix())
        own = schema.pop("$id", address)
        found[address] = schema
        if own == root or "gs1.github.io" in own:
            found[own] = schema
    return validator(
        {"$ref": root},
        registry=jsonschema_rs.Registry(list(found.items()), draft=draft),
        validate_formats=True,
    )


# XML Schema -----------------------------------------------------------------------------------------------------

_checking: Final = Lock()


def check_xml(place: XmlPlace, file: str) -> None:
    """Refuse the first thing that a schema of eFTI, by its file name, does not allow."""
    schema = _efti(file)
    with _checking:  # a schema keeps the errors of its last check
        if schema.validate(place.element):
            return
        log: Any = schema.error_log
        error = log[0]
        where, message = str(error.path), str(error.message)
    # libxml2 writes names as {namespace}local; what the reader needs is the local name.
    message = " ".join(message.replace("{", " {").split())
    for part in set(_braced(message)):
        message = message.replace(part, "")
    tree.refuse(_element_path(place, where), message.replace("' ", "'")[:300])


def _braced(text: str) -> list[str]:
    return ["{" + part.partition("}")[0] + "}" for part in text.split("{")[1:] if "}" in part]


def _element_path(place: XmlPlace, where: str) -> str:
    """The path of the faulty element in our spelling."""
    try:
        found = place.element.getroottree().xpath(where)
    except etree.XPathError:
        return place.path
    if not isinstance(found, list) or not found or not isinstance(found[0], etree._Element):
        return place.path
    steps: list[str] = []
    node: etree._Element | None = found[0]
    while node is not None and node is not place.element:
        parent = node.getparent()
        same = [c for c in parent if tree.local(c) == tree.local(node)] if parent is not None else [node]
        steps.append(tree.local(node) + (f"[{same.index(node) + 1}]" if len(same) > 1 else ""))
        node = parent
    return "/".join([place.path, *reversed(steps)])


@cache
def _efti(file: str) -> etree.XMLSchema:
    with zipfile.ZipFile(SHIPPED / "efti.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}

    class Archive(etree.Resolver):
        def resolve(self, url: str, public_id: str, context: Any) -> Any:  # type: ignore[override]
            name = url.removeprefix("efti:///")
            return self.resolve_string(members[name], context, base_url=f"efti:///{name}")

    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
    parser.resolvers.add(Archive())
    return etree.XMLSchema(etree.fromstring(members[file], parser, base_url=f"efti:///{file}"))


def _member(archive: str, name: str) -> bytes:
    with zipfile.ZipFile(SHIPPED / archive) as opened:
        return opened.read(name)
