"""Regular expressions of contracts: which of them the engines that check values can run."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def compiles(pattern: str) -> bool:
    """Tell whether a pattern can be compiled by one of the engines that values are checked with."""
    import jsonschema_rs  # only contracts that are read anew need it

    schema = {"pattern": pattern}
    for options in (jsonschema_rs.RegexOptions(), jsonschema_rs.FancyRegexOptions()):
        try:
            # Draft 4 and draft 2020-12 judge an expression in different ways, and a contract needs one or the other.
            jsonschema_rs.Draft4Validator(schema, pattern_options=options, validate_formats=True)
            jsonschema_rs.Draft202012Validator(schema, pattern_options=options, validate_formats=True)
        except ValueError:
            continue
        return True
    return False
