"""What this package adds to PyMacaron: keys, the base class of models that persist, commands, and a private engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymacaron.plugins import Plugin, ReleaseStep

from .binding import import_persistent, is_bound
from .definition import short_form
from .exceptions import TableConfigError
from .persistent import PersistentSwaggerObject
from .settings import KEYS

if TYPE_CHECKING:
    from pymacaron.contract import Schema
    from pymacaron.plugins import (
        AppCreatedContext,
        CommandsContext,
        ConfigKeysContext,
        ModelBasesContext,
        ProcessesContext,
        ReleaseStepsContext,
        WrapOperationContext,
    )


class DynamoDBPlugin(Plugin):
    """The plugin of pymacaron-dynamodb."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], type] = {}

    def config_keys(self, context: ConfigKeysContext) -> None:
        """Declare the keys of the database."""
        context.keys.update(KEYS)

    def model_bases(self, context: ModelBasesContext) -> None:
        """Let the objects of schemas with ``x-persist`` or ``x-pym-table`` persist, and those of their subtypes."""
        for schema in (context.schema, *context.extends):
            if is_bound(schema):
                context.bases.append(self._persistent(context.api, schema))
                return

    def app_created(self, context: AppCreatedContext) -> None:
        """Create the tables that are missing where ``dynamodb_create_tables`` asks for it."""
        if context.serves:
            from .at_start import prepare_tables

            prepare_tables(context.config)

    def commands(self, context: CommandsContext) -> None:
        """Add ``pym db``."""
        from .db_command import db

        context.commands["db"] = db

    def release_steps(self, context: ReleaseStepsContext) -> None:
        """Bring the tables to what the contract says before a release gets traffic."""
        from .db_command import release_tables

        context.steps.append(ReleaseStep("tables", release_tables))

    def wrap_operation(self, context: WrapOperationContext) -> None:
        """Make requests conditional where ``x-pym-etag`` asks for it."""
        from . import etags

        etags.wrap(context)

    def processes(self, context: ProcessesContext) -> None:
        """Start the private engine beside the server where ``dynamodb: embedded`` asks for one."""
        from .embedded import add_process

        add_process(context)

    def _persistent(self, api: str, schema: Schema) -> type:
        """Return the persistent class of a schema."""
        name = str(schema.name)
        key = (api, name)
        given = schema.extensions.get("x-persist")
        table = schema.extensions.get("x-pym-table")
        if given is not None and table is not None:
            raise TableConfigError(f"{name} of the API {api!r} has both x-persist and x-pym-table; leave one out")
        if table is None:
            return _bound(import_persistent(str(given), name), api, name)
        if key not in self._made:
            attributes = short_form(table, f"{name} of the API {api!r}")
            self._made[key] = type(f"Persistent{name}", (PersistentSwaggerObject,), attributes)
        return _bound(self._made[key], api, name)


def _bound(owner: type[PersistentSwaggerObject], api: str, name: str) -> type[PersistentSwaggerObject]:
    """Tell a persistent class which model it belongs to, where it does not say so itself."""
    if owner.api_name is None:
        owner.api_name = api
    if owner.model_name is None:
        owner.model_name = name
    elif owner.model_name != name and owner.api_name == api:
        raise TableConfigError(
            f"{owner.__module__}.{owner.__qualname__} belongs to the model {owner.model_name!r}, and {name!r} names it"
            " in x-persist as well; give each a class of its own"
        )
    return owner
