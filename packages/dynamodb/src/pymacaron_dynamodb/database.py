"""The connection to DynamoDB: one in each process, which every call of this package goes through."""

from __future__ import annotations

import os
import threading
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from botocore import xform_name
from botocore.config import Config
from pynamodb.connection import Connection

from pymacaron.config import get_config
from pymacaron.monitor import get_timings, monitor

from .embedded import PrivateEngine, data_folder
from .exceptions import DatabaseUnavailable
from .failures import FAILURES, describe, is_conflict, tables_of, translate
from .pauses import full_jitter
from .settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.config import _RetryDict

    from pymacaron.exceptions import PyMacaronException

_KIND = "DYNAMODB"
_DISTRIBUTION = "pymacaron-dynamodb"
#: The operations that tell what they consumed.
_COUNTED = frozenset(
    {
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    }
)
#: Half the longest first pause, in seconds, after a conflict with a transaction; each further one is twice as long.
_CONFLICT_PAUSE = 0.025


class Database:
    """DynamoDB as one service sees it. Threads share it; a process that was forked makes connections of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._forget()
        _databases.add(self)

    def _forget(self) -> None:
        """Begin anew: neither connections nor a lock that another thread held survive a fork."""
        self._connection: Connection | None = None
        self._engine: PrivateEngine | None = None
        self._lock = threading.Lock()

    @property
    def connection(self) -> Connection:
        """PynamoDB's connection, made when it is first asked for.

        Raises:
            TableConfigError: there is no region, or no private engine can be started.
        """
        return self._connection or self._connect()

    def call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Send one request and return DynamoDB's answer.

        After throttling, failures of DynamoDB, broken connections and conflicts with transactions it is sent again, up
        to ``dynamodb_max_attempts`` times in all.

        Args:
            operation: of DynamoDB's API, such as ``PutItem``.
            arguments: as that API has them, with the full names of tables. ``ReturnConsumedCapacity`` is added to them
                where the operation takes it.

        Raises:
            PyMacaronException: one of those in :mod:`.failures`.
        """
        connection = self._connection or self._connect()
        with monitor(_KIND, operation) as section:
            answer = self._send(connection, operation, arguments)
            consumed = answer.get("ConsumedCapacity")
            if consumed is not None:
                section["tables"] = ",".join(tables_of(arguments))
                section["capacity_units"] = units_of(consumed)
        return answer

    def _send(self, connection: Connection, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        attempt = 1
        while True:
            try:
                return _checked(_answer(connection, operation, arguments), operation, arguments)
            except FAILURES as error:
                if attempt == self.settings.max_attempts or not is_conflict(error):
                    raise self._failed(error, operation, arguments) from error
            full_jitter(_CONFLICT_PAUSE, attempt)
            attempt += 1

    def table_name(self, name: str) -> str:
        """Return the full name of a table: ``dynamodb_table_prefix`` before its own."""
        return self.settings.table_prefix + name

    def close(self) -> None:
        """Close all connections, and use a private engine no more; the next call makes new ones."""
        with self._lock:
            connection, self._connection = self._connection, None
            engine, self._engine = self._engine, None
        if connection is not None:
            connection.client.close()
        if engine is not None:
            engine.leave()

    def _connect(self) -> Connection:
        with self._lock:
            if self._connection is None:
                if self.settings.embedded:
                    self._engine = PrivateEngine(data_folder(self.settings.folder))
                endpoint = self._engine.url if self._engine else self.settings.endpoint
                self._connection = _connection(self.settings, endpoint)
            return self._connection

    def _failed(self, error: Exception, operation: str, arguments: Mapping[str, Any]) -> PyMacaronException:
        made = translate(error, operation, arguments)
        if self.settings.embedded and isinstance(made, DatabaseUnavailable):
            self.close()  # the private engine may be another one by now, on another port, or have to be started
        return made


def _answer(connection: Connection, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    if operation in _COUNTED:
        return connection.dispatch(operation, arguments)
    # PynamoDB asks for the consumed capacity of any operation that it does not know, and most know of no such thing.
    answer: dict[str, Any] = getattr(connection.client, xform_name(operation))(**arguments)
    return answer


def _checked(answer: dict[str, Any], operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Refuse a success that is not DynamoDB's: botocore takes any text for an answer without data."""
    if "RequestId" not in answer["ResponseMetadata"]:
        raise DatabaseUnavailable(
            f"{describe(operation, arguments)}: something else than DynamoDB answers; look at dynamodb_endpoint, and"
            " for a proxy"
        )
    return answer


def _connection(settings: Settings, endpoint: str | None) -> Connection:
    retries: _RetryDict = {"total_max_attempts": settings.max_attempts, "mode": settings.retry_mode}
    made = Connection(
        region=settings.region,
        host=endpoint,
        connect_timeout_seconds=settings.connect_timeout,
        read_timeout_seconds=settings.read_timeout,
        retry_configuration=retries,
        max_pool_connections=settings.max_pool_connections,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
    )
    # Where it is not given, botocore puts the same text together twice for each request: a twentieth of all its time.
    agent = f"{made.session.user_agent()} {_DISTRIBUTION}/{version(_DISTRIBUTION)}"
    made.session.set_default_client_config(Config(user_agent=agent))
    try:
        made.client  # noqa: B018  # PynamoDB makes it when it is first asked for, which threads must not do at once
    except FAILURES as error:
        raise translate(error, "client", {}) from error
    return made


def units_of(consumed: Mapping[str, Any] | list[Mapping[str, Any]]) -> float:
    """Return the capacity units that an answer's ``ConsumedCapacity`` tells of, over all its tables."""
    tables = consumed if isinstance(consumed, list) else [consumed]
    return float(sum(table.get("CapacityUnits", 0.0) for table in tables))


def consumed_units() -> float:
    """Return the capacity units that the current HTTP call has consumed so far; 0 outside of one."""
    return float(sum(timing.get("capacity_units", 0.0) for timing in get_timings()))


_databases: WeakSet[Database] = WeakSet()
_current: list[Database] = []
_making = threading.Lock()


def database() -> Database:
    """Return the process's database, made from pym-config when it is first asked for.

    Raises:
        TableConfigError: its settings are wrong.
    """
    if _current:
        return _current[0]
    with _making:
        if not _current:
            _current.append(Database(read_settings(get_config())))
        return _current[0]


def set_database(made: Database | None) -> None:
    """Make a database the process's one; None forgets it, so that the next :func:`database` makes a new one."""
    _current[:] = [] if made is None else [made]


def _after_fork() -> None:
    global _making
    _making = threading.Lock()
    for each in list(_databases):
        each._forget()


os.register_at_fork(after_in_child=_after_fork)
