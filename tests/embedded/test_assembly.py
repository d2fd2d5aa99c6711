"""The node is assembled from pinned files only, once, completely or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import EngineError
from compose.embedded import maven
from compose.embedded.assembly import Assembly, assemble, damaged_files, fingerprint
from compose.embedded.java import Java
from compose.embedded.layout import read_artifacts, read_layout
from compose.embedded.plugin import SOURCE
from compose.embedded.refresh import resolve_layout

from .conftest import Mirror, run_python

ASSEMBLE = """
import sys
from pathlib import Path
from compose.embedded.assembly import assemble
from compose.embedded.java import find_java
print(assemble(Path(sys.argv[1]), find_java(), repo_cache=Path(sys.argv[2])).home)
"""

VICTIM = next(a for a in read_artifacts() if a.filename == "spatial4j-0.7.jar")


def in_cache(repo_cache: Path) -> Path:
    return maven.cached_path(maven.context(repo_cache), VICTIM.coordinate)


def test_an_assembly_holds_every_pinned_jar_undamaged(assembly: Assembly) -> None:
    assert damaged_files(assembly) == []


def test_the_pinned_list_is_what_the_layout_resolves_to(good_files: Path) -> None:
    resolved = resolve_layout(maven.context(good_files), read_layout())
    assert [(a.folder, a.coordinate) for a in read_artifacts()] == resolved


def test_a_second_start_uses_the_assembly_as_it_is(assembly: Assembly, java: Java, tmp_path: Path) -> None:
    before = assembly.home.stat().st_mtime_ns
    again = assemble(assembly.home.parent, java, repo_cache=tmp_path / "never-looked-at")
    assert again == assembly
    assert again.home.stat().st_mtime_ns == before
    assert not (tmp_path / "never-looked-at").exists()


def test_a_damaged_jar_in_the_local_repository_is_fetched_again(
    repo_cache: Path, mirror: Mirror, java: Java, tmp_path: Path
) -> None:
    in_cache(repo_cache).write_bytes(in_cache(repo_cache).read_bytes()[:1000])
    built = assemble(tmp_path / "engines", java, repo_cache=repo_cache)
    assert damaged_files(built) == []
    assert maven.sha256(in_cache(repo_cache)) == VICTIM.sha256, "the local repository was healed"
    assert mirror.requests == {VICTIM.filename: 1}, "nothing else was downloaded"


def test_a_damaged_download_is_tried_once_more(repo_cache: Path, mirror: Mirror, java: Java, tmp_path: Path) -> None:
    in_cache(repo_cache).unlink()
    mirror.damaged_answers[VICTIM.filename] = 1
    assert damaged_files(assemble(tmp_path / "engines", java, repo_cache=repo_cache)) == []
    assert mirror.requests == {VICTIM.filename: 2}


def test_a_download_that_stays_damaged_is_named_and_leaves_nothing(
    repo_cache: Path, mirror: Mirror, java: Java, tmp_path: Path
) -> None:
    in_cache(repo_cache).unlink()
    mirror.damaged_answers[VICTIM.filename] = 99
    with pytest.raises(EngineError, match=r"org\.locationtech\.spatial4j:spatial4j:0\.7.*SHA-256"):
        assemble(tmp_path / "engines", java, repo_cache=repo_cache)
    assert [p.name for p in (tmp_path / "engines").iterdir()] == ["assembly.lock"]
    assert not in_cache(repo_cache).exists(), "a damaged file is never kept"


def test_a_file_no_repository_has_is_named(repo_cache: Path, mirror: Mirror, java: Java, tmp_path: Path) -> None:
    in_cache(repo_cache).unlink()
    mirror.close()
    with pytest.raises(EngineError, match="spatial4j") as caught:
        assemble(tmp_path / "engines", java, repo_cache=repo_cache)
    assert "mirror" in caught.value.remedy


def test_a_killed_assembly_is_never_used(repo_cache: Path, mirror: Mirror, java: Java, tmp_path: Path) -> None:
    in_cache(repo_cache).unlink()
    mirror.held = VICTIM.filename
    with run_python(ASSEMBLE, tmp_path / "engines", repo_cache) as process:
        assert mirror.reached.wait(60), "the process got to the file the mirror holds back"
        process.kill()
    mirror.held = None
    mirror.go_on.set()
    names = [p.name for p in (tmp_path / "engines").iterdir()]
    assert any(name.startswith("building-") for name in names), "it was killed half way"
    assert not any(name.startswith("opensearch-") for name in names)
    built = assemble(tmp_path / "engines", java, repo_cache=repo_cache)
    assert damaged_files(built) == []
    assert not list((tmp_path / "engines").glob("building-*")), "what the killed run left is gone"


def test_two_processes_at_once_build_it_once(repo_cache: Path, mirror: Mirror, tmp_path: Path) -> None:
    in_cache(repo_cache).unlink()
    mirror.held = VICTIM.filename
    first = run_python(ASSEMBLE, tmp_path / "engines", repo_cache)
    assert mirror.reached.wait(60)
    second = run_python(ASSEMBLE, tmp_path / "engines", repo_cache)
    mirror.go_on.set()
    homes = {process.communicate(timeout=120)[0].strip() for process in (first, second)}
    assert len(homes) == 1
    assert first.returncode == second.returncode == 0
    assert mirror.requests == {VICTIM.filename: 1}


def test_changed_plugin_source_gives_another_assembly(assembly: Assembly, tmp_path: Path) -> None:
    copy = tmp_path / "plugin"
    for path in SOURCE.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(SOURCE)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    assert fingerprint(copy) == fingerprint(SOURCE)
    source = next(copy.rglob("*.java"))
    source.write_text(source.read_text() + "\n// changed\n")
    assert fingerprint(copy) != fingerprint(SOURCE)


def test_missing_plugin_source_is_an_error(repo_cache: Path, java: Java, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="analysis plugin is missing"):
        assemble(tmp_path / "engines", java, plugin_source=tmp_path / "empty", repo_cache=repo_cache)
    assert not list((tmp_path / "engines").glob("opensearch-*"))


def test_source_that_does_not_compile_is_named(repo_cache: Path, java: Java, tmp_path: Path) -> None:
    broken = tmp_path / "plugin"
    (broken / "src").mkdir(parents=True)
    (broken / "plugin-descriptor.properties").write_text("name=broken\n")
    (broken / "src" / "Broken.java").write_text("class Broken { int x = nothing; }")
    with pytest.raises(EngineError, match=r"(?s)does not compile.*Broken\.java.*nothing"):
        assemble(tmp_path / "engines", java, plugin_source=broken, repo_cache=repo_cache)


def test_a_folder_that_cannot_be_written_is_named(java: Java, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EngineError, match=r"cannot be assembled in .*file/engines") as caught:
        assemble(tmp_path / "file" / "engines", java)
    assert "CONCORD_HOME" in caught.value.remedy
