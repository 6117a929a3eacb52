"""Tables as they are in DynamoDB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .exceptions import DatabaseError, TableMissing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .database import Database

ACTIVE = "ACTIVE"
#: The states of a table that DynamoDB works on.
PASSING = ("CREATING", "UPDATING", "DELETING")


@dataclass(frozen=True)
class LiveIndex:
    """A secondary index as it is.

    Attributes:
        keys: the attributes of its key, the partition key first.
        projection: as :class:`pymacaron_dynamodb.definition.IndexDefinition` has it.
        status: such as ``ACTIVE``; a local index has none of its own.
    """

    name: str
    keys: tuple[str, ...]
    projection: str | tuple[str, ...]
    local: bool
    status: str
    throughput: tuple[int, int]


@dataclass(frozen=True)
class LiveTable:
    """A table as it is.

    Attributes:
        description: what DescribeTable says.
        ttl: what DescribeTimeToLive says.
        point_in_time_recovery: whether the table can be restored to any second.
    """

    name: str
    description: Mapping[str, Any]
    ttl: Mapping[str, Any]
    point_in_time_recovery: bool

    @property
    def status(self) -> str:
        """Such as ``ACTIVE``."""
        return str(self.description.get("TableStatus", ACTIVE))

    @property
    def identity(self) -> str:
        """Tell the table from any other one, of the same name too."""
        made = self.description.get("TableId") or self.description.get("CreationDateTime")
        return f"{self.description.get('TableArn', self.name)} {made}"

    @property
    def items(self) -> int:
        """How many items there are, as DynamoDB counts them every six hours or so."""
        return int(self.description.get("ItemCount", 0))

    @property
    def keys(self) -> tuple[str, ...]:
        """The attributes of its key, the partition key first."""
        return _keys(self.description)

    @property
    def types(self) -> dict[str, str]:
        """The type of each attribute that is part of a key."""
        found = self.description.get("AttributeDefinitions", ())
        return {each["AttributeName"]: each["AttributeType"] for each in found}

    @property
    def indexes(self) -> dict[str, LiveIndex]:
        """Its secondary indexes, by name."""
        return {found.name: found for found in self._indexes()}

    @property
    def throughput(self) -> tuple[int, int] | None:
        """Provisioned units of reads and writes a second; None where each request is paid."""
        mode = self.description.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        return None if mode == "PAY_PER_REQUEST" else _throughput(self.description)

    @property
    def deletion_protection(self) -> bool:
        """Whether DynamoDB refuses to delete it."""
        return bool(self.description.get("DeletionProtectionEnabled", False))

    @property
    def kms_key(self) -> str | None:
        """The KMS key that it is encrypted with; None for one that DynamoDB owns."""
        found = self.description.get("SSEDescription", {})
        if found.get("Status") not in ("ENABLED", "ENABLING", "UPDATING"):
            return None
        return str(found.get("KMSMasterKeyArn", "kms"))

    @property
    def ttl_attribute(self) -> str | None:
        """The attribute with the time of expiry; None where nothing expires."""
        return self.ttl.get("AttributeName") if self.ttl.get("TimeToLiveStatus") in ("ENABLED", "ENABLING") else None

    @property
    def is_lost(self) -> bool:
        """Whether it will not become active by itself: it is being deleted, or its key cannot be used."""
        return self.status == "DELETING" or self.status not in (ACTIVE, *PASSING)

    @property
    def waits_for(self) -> str | None:
        """What DynamoDB still works on; None where it is done."""
        if self.status != ACTIVE:
            return f"the table is {self.status}"
        for index in self.indexes.values():
            if index.status != ACTIVE:
                return f"the index {index.name} is {index.status}"
        return None

    def _indexes(self) -> Iterator[LiveIndex]:
        for kind, local in (("GlobalSecondaryIndexes", False), ("LocalSecondaryIndexes", True)):
            for found in self.description.get(kind) or ():
                yield LiveIndex(
                    name=found["IndexName"],
                    keys=_keys(found),
                    projection=_projection(found.get("Projection", {})),
                    local=local,
                    status=found.get("IndexStatus", ACTIVE),
                    throughput=_throughput(found),
                )


def read_table(database: Database, name: str) -> LiveTable | None:
    """Return a table by its full name; None where there is none.

    Raises:
        PyMacaronException: as :meth:`pymacaron_dynamodb.database.Database.call`.
    """
    asked = {"TableName": name}
    try:
        description = database.call("DescribeTable", asked)["Table"]
        if description.get("TableStatus") in ("CREATING", "DELETING"):
            return LiveTable(name, description, {}, False)  # DynamoDB does not say more of it for now
        ttl = database.call("DescribeTimeToLive", asked).get("TimeToLiveDescription", {})
        return LiveTable(name, description, ttl, _has_recovery(database, name))
    except TableMissing:
        return None


def _has_recovery(database: Database, name: str) -> bool:
    try:
        answer = database.call("DescribeContinuousBackups", {"TableName": name})
    except DatabaseError as error:
        if "UnknownOperation" not in error.message:  # what engines for development say that have no backups
            raise
        return False
    found = answer.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription", {})
    return bool(found.get("PointInTimeRecoveryStatus") == "ENABLED")


def table_names(database: Database) -> Iterator[str]:
    """Yield the full names of all tables that begin with the database's prefix."""
    asked: dict[str, Any] = {}
    while True:
        answer = database.call("ListTables", dict(asked))
        yield from (name for name in answer["TableNames"] if name.startswith(database.settings.table_prefix))
        if "LastEvaluatedTableName" not in answer:
            return
        asked["ExclusiveStartTableName"] = answer["LastEvaluatedTableName"]


def _keys(described: Mapping[str, Any]) -> tuple[str, ...]:
    found = sorted(described.get("KeySchema", ()), key=lambda each: str(each["KeyType"]))  # HASH, then RANGE
    return tuple(each["AttributeName"] for each in found)


def _projection(described: Mapping[str, Any]) -> str | tuple[str, ...]:
    kind = described.get("ProjectionType", "ALL")
    if kind == "INCLUDE":
        return tuple(sorted(described.get("NonKeyAttributes", ())))
    return "all" if kind == "ALL" else "keys"


def _throughput(described: Mapping[str, Any]) -> tuple[int, int]:
    found = described.get("ProvisionedThroughput", {})
    return int(found.get("ReadCapacityUnits", 0)), int(found.get("WriteCapacityUnits", 0))
