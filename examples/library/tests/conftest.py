"""Tests have a DynamoDB of their own, apart from the data of development."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def data_of_their_own(tmp_path_factory):
    """Name another folder for the private engine's data, unless `pym test` has started the service already."""
    if "PYM_TARGET" not in os.environ:
        os.environ["PYM_DYNAMODB_DATA"] = str(tmp_path_factory.mktemp("dynamodb"))
