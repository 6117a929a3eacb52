"""A failure as a test to paste: a pytest function that makes the same calls with the fixture ``api``."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pymacaron.contract import TEMPLATE
from pymacaron.spec import describe_place

from .call import ABSENT
from .checks import subscripts
from .credentials import needed
from .failures import CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .call import Call
    from .failures import Failure, Step

# What the answer has to be; the other checks are made by the fixture itself, with each call.
_EXPECTED = {
    "server_error": "answer.status < 500",
    "invalid_accepted": "400 <= answer.status < 500",
    "valid_refused": "answer.status < 400",
    "operation_missing": "answer.status not in (404, 405, 501)",
    "method_accepted": "answer.status == 405",
    "no_token_accepted": "answer.status == 401",
    "garbage_token_accepted": "answer.status == 401",
    "scopes_ignored": "answer.status == 403",
    "token_refused": "answer.status != 401",
    "resource_unavailable": "answer.status not in (404, 410)",
    "use_after_delete": "answer.status in (404, 410)",
}
_ANONYMOUS = {
    "no_token_accepted": "api.anonymous()",
    "garbage_token_accepted": 'api.anonymous().with_token("this.is.garbage")',
}


def regression_test(failure: Failure, user: str) -> str:
    """Return the source of a test function that fails as long as the fault is there.

    Args:
        failure: the fault.
        user: whose token the calls carry.
    """
    fault, last = failure.fault, failure.steps[-1]
    place = re.sub(r"[\\\"]", "", describe_place(last.operation.place))
    lines = [
        f"def {function_name(failure)}(api):",
        f'    """{CHECKS[fault.check][0].upper()}{CHECKS[fault.check][1:]} ({place})."""',
    ]
    for index, step in enumerate(failure.steps):
        name = "answer" if index == len(failure.steps) - 1 else "made" if index == 0 else ""
        if name == "made" and not any(each.bound for each in failure.steps):
            name = ""
        lines.append(f"    {f'{name} = ' if name else ''}{_call(step, failure, user, is_last=name == 'answer')}")
    lines += [f"    {line}" for line in _expectation(failure)]
    return "\n".join(lines) + "\n"


def regression_file(failures: Iterable[Failure], user: str) -> str:
    """Return the source of a module of test functions, one for each failure, their names unique."""
    parts, seen = ['"""Regression tests of the contract tests\' findings."""\n'], dict[str, int]()
    for failure in failures:
        source, name = regression_test(failure, user), function_name(failure)
        seen[name] = seen.get(name, 0) + 1
        parts.append(source.replace(name, f"{name}_{seen[name]}", 1) if seen[name] > 1 else source)
    return "\n\n".join(parts)


def function_name(failure: Failure) -> str:
    """Return the name of a failure's test function."""
    words = f"{failure.operation.name} {failure.fault.check} {failure.fault.location}"
    name = re.sub(r"[^A-Za-z0-9]+", "_", words).strip("_").lower()
    return f"test_{name}"[:100].rstrip("_")


def _call(step: Step, failure: Failure, user: str, *, is_last: bool) -> str:
    """Return the expression that makes a call."""
    call, check = step.call, failure.fault.check
    method = call.method.lower()
    known = method in ("get", "post", "put", "patch", "delete", "head", "options")
    arguments = [] if known else [repr(call.method)]
    arguments += [_path(step), *_body(call)]
    headers = {name: value for name, value in call.headers if name.lower() != "content-type" or not _as_body(call)}
    if headers:
        arguments.append(f"headers={headers!r}")
    if is_last and check in _EXPECTED:
        arguments.append("check=False")
    return f"{_who(step, check if is_last else '', user)}.{method if known else 'request'}({', '.join(arguments)})"


def _who(step: Step, check: str, user: str) -> str:
    if check in _ANONYMOUS:
        return _ANONYMOUS[check]
    wanted = needed(step.contract, step.operation)
    if wanted is None or not step.call.token:
        return "api"
    scopes = list(wanted.scopes) if check != "scopes_ignored" else []
    return f"api.as_user({user!r}{f', {scopes!r}' if scopes else ''})"


def _path(step: Step) -> str:
    """Return the expression of a path; parts that come from the first answer are taken out of it."""
    call = step.call
    match = step.contract.match(step.operation.method, call.path)
    if not step.bound or match is None:
        return repr(call.target)

    def part(found: re.Match[str]) -> str:
        expression = step.bound.get(found[1], "")
        if not expression.startswith("$response"):
            return _braced(quote(match.values[found[1]], safe=""))
        return f"{{{_source(expression)}}}"

    pieces = re.split(TEMPLATE.pattern, step.contract.path(step.operation))
    names = iter(TEMPLATE.finditer(step.contract.path(step.operation)))
    text = "".join(_braced(piece) if index % 2 == 0 else part(next(names)) for index, piece in enumerate(pieces))
    query = _braced(call.target.partition("?")[2])
    return "f" + repr(f"{text}?{query}" if query else text)


def _source(expression: str) -> str:
    source, _, pointer = expression.partition("#")
    if source.startswith("$response.header."):
        return f"made.headers[{source.removeprefix('$response.header.')!r}]"
    return f"made.json(){subscripts(pointer)}"


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _as_body(call: Call) -> bool:
    """Tell whether a body can be given as a Python value that the fixture sends as the same JSON."""
    value = call.json()
    plain = isinstance(value, (dict, list, int, float)) and value is not ABSENT
    return plain and call.header("Content-Type") == "application/json" and _is_finite(value)


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return value - value == 0
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return all(map(_is_finite, value)) if isinstance(value, list) else True


def _body(call: Call) -> list[str]:
    if not call.content:
        return []
    if _as_body(call):
        value = repr(call.json())
        takes_body = call.method.lower() not in ("get", "head", "options")
        return [value if takes_body else f"json={value}"]
    return [f"data={call.content!r}"]


def _expectation(failure: Failure) -> list[str]:
    fault = failure.fault
    if fault.expects is not None:
        return [f"assert {fault.expects}, answer.transcript()"]
    if fault.check in _EXPECTED:
        return [f"assert {_EXPECTED[fault.check]}, answer.transcript()"]
    if fault.check == "allow_header":
        last = failure.steps[-1]
        methods = sorted(last.contract.methods(last.call.path))
        return [
            'allowed = {each.strip() for each in answer.headers.get("Allow", "").split(",")}',
            f"assert allowed >= {set(methods)!r}, answer.transcript()".replace(repr(set(methods)), _set(methods)),
        ]
    if fault.check == "no_answer":
        return ["assert answer.status < 500"]
    return ["assert answer.status < 500, answer.transcript()  # the fixture checks the answer against the contract"]


def _set(names: list[str]) -> str:
    return "{" + ", ".join(f'"{name}"' for name in names if not keyword.iskeyword(name)) + "}"
