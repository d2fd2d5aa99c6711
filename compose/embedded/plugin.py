"""Compiles the node's analysis plugin from its Java source, with the same Java that will run the node."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

from common.errors import EngineError
from compose.embedded.java import Java
from compose.embedded.layout import Layout

SOURCE = Path(__file__).parents[2] / "analyzers" / "plugin"
DESCRIPTOR = "plugin-descriptor.properties"
COMPILE_TIMEOUT_S = 300


def source_files(source: Path | None) -> list[Path]:
    """Everything under `source` that the plugin is made of, sorted: descriptor, Java and resources under src/."""
    if source is None:
        return []
    return sorted(p for p in [source / DESCRIPTOR, *(source / "src").rglob("*")] if p.is_file())


def build(source: Path, node: Path, layout: Layout, java: Java) -> None:
    """Writes plugins/<name>/{<name>.jar, plugin-descriptor.properties} into the node being assembled.

    Raises EngineError when the source is missing or does not compile.
    """
    sources = [p for p in source_files(source) if p.suffix == ".java"]
    if not sources or not (source / DESCRIPTOR).is_file():
        raise EngineError(
            f"The node's analysis plugin is missing: no Java source or no {DESCRIPTOR} in {source}.",
            remedy="Restore analyzers/plugin from version control.",
        )
    folder = node / "plugins" / layout.analysis_plugin
    classes = node / "classes"
    compiler = next((node / "compiler").glob("*.jar"))
    class_path = [*sorted((node / "lib").glob("*.jar")), *sorted(folder.glob("*.jar"))]
    command = [
        java.executable,
        "-XX:TieredStopAtLevel=1",  # it runs once: the optimising compiler would cost more than it gains
        "-cp",
        compiler,
        "org.eclipse.jdt.internal.compiler.batch.Main",
        *("-source", "21", "-target", "21", "-proc:none", "-encoding", "UTF-8", "-nowarn"),
        *("-cp", ":".join(map(str, class_path))),
        *("-d", classes),
        *sources,
    ]
    run = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, timeout=COMPILE_TIMEOUT_S
    )
    if run.returncode != 0:
        raise EngineError(
            f"The node's analysis plugin in {source} does not compile:\n{run.stdout}{run.stderr}",
            remedy="Correct the Java source named above.",
        )
    _copy_resources(source, classes)
    _jar(classes, folder / f"{layout.analysis_plugin}.jar")
    shutil.copyfile(source / DESCRIPTOR, folder / DESCRIPTOR)
    shutil.rmtree(classes)


def _copy_resources(source: Path, classes: Path) -> None:
    root = source / "src"
    for path in source_files(source):
        if path.suffix != ".java" and path.is_relative_to(root):
            target = classes / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _jar(classes: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as jar:
        for path in sorted(p for p in classes.rglob("*") if p.is_file()):
            jar.write(path, path.relative_to(classes).as_posix())
