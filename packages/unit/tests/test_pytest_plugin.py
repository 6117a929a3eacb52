"""The pytest plugin: one suite, run against every kind of target, checked and measured."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from service import PETS_SERVICE, make_service
from serving import served

if TYPE_CHECKING:
    from pathlib import Path

SUITE = """
    import pytest

    def test_creates(api):
        pet = api.as_user("ann").createPet({"name": "Rex"})
        assert pet.status == 201
        api.cleanup(api.as_user("ann").deletePet, pet_id=pet.json()["id"])
        assert pet.model.name == "Rex"
        assert api.getPet(pet_id=pet.json()["id"]).json()["name"] == "Rex"

    def test_refuses(api):
        assert api.post("/v1/pets", {"name": ""}).status == 401
        refused = api.as_user("ann").createPet({"name": ""})
        assert (refused.status, refused.json()["errors"][0]["pointer"]) == (400, "/name")

    def test_lists(api, eventually):
        eventually(lambda: api.listPets().status == 200)
"""


@pytest.fixture
def service(pytester: pytest.Pytester) -> Path:
    """Make a service with a suite of its own in the working folder."""
    make_service(pytester.path, PETS_SERVICE)
    pytester.makepyfile(test_pets=SUITE)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester.path


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the suite in a process of its own."""
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:schemathesis", *arguments, timeout=100)


def test_the_app_in_this_process(pytester: pytest.Pytester, service: Path) -> None:
    """With a server.py beside it the suite runs on the app in the same process, without any option."""
    run(pytester).assert_outcomes(passed=3)


@pytest.mark.once
def test_a_folder_and_a_url(pytester: pytest.Pytester, service: Path) -> None:
    """The same suite runs on the service started from its folder, and on workers of xdist."""
    result = run(pytester, "--pym-target", str(service), "-n", "2")
    result.assert_outcomes(passed=3)


@pytest.mark.once
def test_a_broken_promise_fails_the_test(pytester: pytest.Pytester, service: Path) -> None:
    """A call whose answer breaks the contract fails the test, unless checks are off."""
    contract = service / "apis" / "pets.yaml"
    contract.write_text(contract.read_text().replace('"201"', '"202"'))
    (service / "pym-config.yaml").write_text("name: pets\n")
    pytester.makepyfile(test_pets="def test(api):\n    api.as_user('a').createPet({'name': 'x'}, retries=0)\n")
    handlers = service / "pets.py"
    handlers.write_text(handlers.read_text().replace("return made, 201", "return Response('{}', 299)"))
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the status 299 is not declared; declared are: 202*", "*repeat it with: curl*"])
    run(pytester, "--pym-no-check").assert_outcomes(passed=1)


def test_a_failed_assertion_shows_the_calls(pytester: pytest.Pytester, service: Path) -> None:
    """The report of a test that fails for its own reason shows its last calls."""
    pytester.makepyfile(test_pets="def test(api):\n    assert api.listPets().json() == 1\n")
    result = run(pytester)
    result.stdout.fnmatch_lines(["*calls of this test*", "> GET http://localhost/v1/pets", "repeat it with: curl -i *"])


@pytest.mark.once
def test_coverage_of_the_contract(pytester: pytest.Pytester, service: Path) -> None:
    """A table, JSON and a page say what was exercised; too little of it fails the run."""
    reports = ["--pym-cov-report", "table", "--pym-cov-report", "json:out/c.json", "--pym-cov-report", "html:page"]
    result = run(pytester, "--pym-cov", *reports)
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*contract coverage*", "*createPet*"])
    assert (service / "page" / "index.html").is_file()
    percent = json.loads((service / "out" / "c.json").read_text())["percent"]
    assert 0 < percent < 100
    assert run(pytester, "--pym-cov-fail-under", "1").ret == 0
    low = run(pytester, "--pym-cov-fail-under", "100")
    assert low.ret == 1
    low.stdout.fnmatch_lines(["FAIL: * % is less than 100 %"])


@pytest.mark.once
def test_coverage_of_several_processes_and_runs(pytester: pytest.Pytester, service: Path) -> None:
    """Workers of xdist, and runs that append, add up to what one run covers."""

    def covered(*arguments: str) -> float:
        result = run(pytester, "--pym-cov-report", "json:c.json", *arguments)
        assert result.ret == 0
        found: float = json.loads((service / "c.json").read_text())["percent"]
        return found

    whole = covered()
    assert covered("-n", "2") == whole
    parts = [covered("-k", "creates")]
    parts.append(covered("-k", "refuses or lists", "--pym-cov-append"))
    assert parts[0] < parts[1] == whole


@pytest.mark.once
def test_no_calls_are_no_coverage(pytester: pytest.Pytester, service: Path) -> None:
    """Tests that call nothing do not count as having exercised everything."""
    pytester.makepyfile(test_pets="def test():\n    pass\n")
    result = run(pytester, "--pym-cov-fail-under", "1")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAIL: no test has called the service*"])


@pytest.mark.once
def test_coverage_needs_a_contract(pytester: pytest.Pytester) -> None:
    """Without any contract coverage fails with what to give."""
    pytester.makepyfile("def test(api):\n    api.get('/x')\n")
    from test_testcase import make_app

    with served(make_app()) as url:
        result = run(pytester, "--pym-target", url, "--pym-cov")
        result.stdout.fnmatch_lines(["*cannot be measured without its contract; give --pym-contract FILE*"])
        assert result.ret == 1


@pytest.mark.once
def test_any_http_api_without_contract(pytester: pytest.Pytester) -> None:
    """A URL that publishes no contract is tested by method and path; PyMacaronTestCase runs on the same target."""
    pytester.makepyfile(
        """
        from pymacaron_unit import PyMacaronTestCase

        def test_call(api):
            assert api.get("/ping").json() == {}

        class TestAll(PyMacaronTestCase):
            def test(self):
                self.assertHasPing()
                self.assertHasVersion()
        """
    )
    from test_testcase import make_app

    with served(make_app()) as url:
        run(pytester, "--pym-target", url).assert_outcomes(passed=2)


@pytest.mark.once
def test_settings_in_a_file(pytester: pytest.Pytester, service: Path) -> None:
    """Target, contracts and the percentage may stand in pytest's own configuration."""
    pytester.makeini("[pytest]\npym_target = app\npym_contract = apis/pets.yaml\npym_cov_fail_under = 100\n")
    result = run(pytester)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAIL: *"])


@pytest.mark.once
def test_no_target(pytester: pytest.Pytester) -> None:
    """A folder without a service says how to name one, in one line, and only where a test needs it."""
    pytester.makepyfile("def test(api):\n    pass\n\ndef test_other():\n    pass\n")
    result = run(pytester)
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["*has no server.py; give --pym-target app|URL|FOLDER|IMAGE*"])


def test_costs_nothing_where_it_is_not_used(pytester: pytest.Pytester) -> None:
    """A suite that does not use the fixtures imports nothing of PyMacaron."""
    pytester.makepyfile("import sys\n\ndef test():\n    assert 'pymacaron' not in sys.modules\n")
    run(pytester).assert_outcomes(passed=1)
    assert sys.executable
